//! The merged stream of stimuli as the arrivals of a run.

use crate::ground::Time;
use crate::model::{Catalog, SourceId, Stimulus, Timed};
use crate::sim::Arrivals;
use crate::stimulus::{SourceError, Stream};

impl Arrivals for Stream {
    type Error = SourceError;

    fn next_time(&mut self) -> Result<Option<Time>, SourceError> {
        Ok(self.peek_time())
    }

    fn take(&mut self) -> Result<Option<(SourceId, Timed<Stimulus>)>, SourceError> {
        self.next()
    }

    fn catalog(&self, source: SourceId) -> &Catalog {
        Stream::catalog(self, source)
    }
}
