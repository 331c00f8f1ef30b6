//! Why a distribution cannot be made, and the checks of its parameters.

/// Why a distribution cannot be made. The texts say what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DistError {
    /// A parameter that has to be above zero and finite is not.
    #[error("`{0}` must be a finite number above 0")]
    NotPositive(&'static str),
    /// A parameter that has to be at least zero and finite is not.
    #[error("`{0}` must be a finite number, at least 0")]
    Negative(&'static str),
    /// A parameter is infinite or not a number.
    #[error("`{0}` must be a finite number")]
    NotFinite(&'static str),
    /// Two parameters are in the wrong order.
    #[error("`{lower}` must not be above `{upper}`")]
    Order {
        /// The parameter that has to be the smaller one.
        lower: &'static str,
        /// The parameter that has to be the larger one.
        upper: &'static str,
    },
    /// Too few or too many of the parameters that say the same thing.
    #[error("a {kind} distribution takes exactly one of {choices}")]
    Choice {
        /// Kind of distribution.
        kind: &'static str,
        /// The parameters, of which one is to be given.
        choices: &'static str,
    },
    /// A table without values.
    #[error("an empirical distribution needs at least one value with a weight above 0")]
    Empty,
    /// The table of an empirical distribution could not be read.
    #[error("{0}")]
    Table(String),
    /// A residual life was asked of a distribution that has none or whose residual life has no
    /// exact form here.
    #[error("a process cannot start in equilibrium with {0}; use `start: new`")]
    NoEquilibrium(&'static str),
}

pub(super) fn finite(what: &'static str, value: f64) -> Result<f64, DistError> {
    if value.is_finite() { Ok(value) } else { Err(DistError::NotFinite(what)) }
}

pub(super) fn positive(what: &'static str, value: f64) -> Result<f64, DistError> {
    if value.is_finite() && value > 0.0 { Ok(value) } else { Err(DistError::NotPositive(what)) }
}

pub(super) fn not_negative(what: &'static str, value: f64) -> Result<f64, DistError> {
    if value.is_finite() && value >= 0.0 { Ok(value) } else { Err(DistError::Negative(what)) }
}
