//! stub
/// stub
#[derive(Debug)]
pub struct Dist;
/// stub
#[derive(Debug)]
pub struct DistError;
/// stub
#[derive(Debug)]
pub struct Empirical;
