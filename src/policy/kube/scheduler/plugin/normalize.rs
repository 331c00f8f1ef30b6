//! The common normalisation of scores (`plugins/helper/normalize_score.go`, Kubernetes 1.34).

/// The highest score after normalisation.
pub(crate) const MAX_SCORE: i64 = 100;

/// Scales scores so that the highest becomes 100; `reverse` then counts from 100 down.
pub(crate) fn to_hundred(scores: &mut [i64], reverse: bool) {
    let max = scores.iter().copied().max().unwrap_or(0);
    if max == 0 {
        if reverse {
            scores.fill(MAX_SCORE);
        }
        return;
    }
    for score in scores {
        let scaled = MAX_SCORE * *score / max;
        *score = if reverse { MAX_SCORE - scaled } else { scaled };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_specification() {
        for (raw, reverse, expected) in [
            (vec![0, 1, 2], true, vec![100, 50, 0]),
            (vec![1, 3], true, vec![67, 0]),
            (vec![0, 0], true, vec![100, 100]),
            (vec![5, 3, 1], false, vec![100, 60, 20]),
            (vec![2, 7], false, vec![28, 100]),
            (vec![0, 0, 0], false, vec![0, 0, 0]),
            (vec![], true, vec![]),
        ] {
            let mut scores = raw.clone();
            to_hundred(&mut scores, reverse);
            assert_eq!(scores, expected, "{raw:?}, reverse {reverse}");
        }
    }
}
