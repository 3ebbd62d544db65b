//! What the load reported, and medians of it.

use std::collections::HashMap;

use crate::Result;

/// The numbers of one run, by name.
#[derive(Debug, Default)]
pub(super) struct Outcome(HashMap<String, f64>);

impl Outcome {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        let pairs = pairs.map(|(key, value)| Ok((key.to_owned(), value.parse()?)));
        Ok(Self(pairs.collect::<Result<_>>()?))
    }

    pub(super) fn get(&self, key: &str) -> Option<f64> {
        self.0.get(key).copied()
    }

    pub(super) fn set(&mut self, key: &str, value: f64) {
        self.0.insert(key.to_owned(), value);
    }
}

/// All runs, by case and server, in the order of their rounds.
#[derive(Debug, Default)]
pub(super) struct Results(HashMap<(&'static str, &'static str), Vec<Outcome>>);

impl Results {
    pub(super) fn add(&mut self, case: &'static str, server: &'static str, outcome: Outcome) {
        self.0.entry((case, server)).or_default().push(outcome);
    }

    fn values(&self, case: &'static str, server: &'static str, key: &str) -> Vec<f64> {
        let outcomes = self.0.get(&(case, server));
        outcomes.into_iter().flatten().filter_map(|outcome| outcome.get(key)).collect()
    }

    /// The median over the rounds.
    pub(super) fn median(
        &self,
        case: &'static str,
        server: &'static str,
        key: &str,
    ) -> Option<f64> {
        median(self.values(case, server, key))
    }

    /// The median over the rounds of the quotient of two servers, or two cases, in one round.
    pub(super) fn ratio(
        &self,
        over: (&'static str, &'static str),
        under: (&'static str, &'static str),
        key: &str,
    ) -> Option<f64> {
        let over = self.values(over.0, over.1, key);
        let under = self.values(under.0, under.1, key);
        median(over.into_iter().zip(under).map(|(over, under)| over / under).collect())
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        length if length % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}
