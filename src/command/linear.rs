//! The linear model: multinomial logistic regression, trained at start by gradient descent in a fixed order.

use super::feature::{Features, PLACES};

/// A text to learn from, and the class that it is of.
pub(crate) struct Sample {
    pub(crate) features: Features,
    pub(crate) class: usize,
}

/// A weight for each place and class.
#[derive(Debug)]
pub(crate) struct Linear {
    classes: usize,
    /// Classes, rounded up so that a row is whole vectors.
    width: usize,
    weights: Vec<f32>,
}

/// Classes of a row are worked on so many at once.
const LANES: usize = 8;
/// Times that the samples are gone through.
const EPOCHS: usize = 9;
/// The first step; it falls as 1 / (1 + epoch / 4).
const STEP: f32 = 3.0;
/// A sample this sure is not learnt again in this round.
const SURE: f32 = 0.985;
/// What a weight loses in a round, that rare coincidences be forgotten.
const DECAY: f32 = 0.985;

impl Linear {
    /// Learns the samples.
    pub(crate) fn train(samples: &[Sample], classes: usize) -> Self {
        let width = classes.next_multiple_of(LANES);
        let mut model = Self {
            classes,
            width,
            weights: vec![0.0; PLACES * width],
        };
        let mut order: Vec<u32> = (0..samples.len() as u32).collect();
        let mut random = Stir(0x9e37_79b9_7f4a_7c15);
        let mut scores = vec![0.0; width];
        for epoch in 0..EPOCHS {
            random.shuffle(&mut order);
            let step = STEP / (1.0 + epoch as f32 / 4.0);
            for index in &order {
                let sample = &samples[*index as usize];
                model.probabilities(&sample.features, &mut scores);
                if scores[sample.class] < SURE {
                    model.learn(sample, &mut scores, step);
                }
            }
            model.weights.iter_mut().for_each(|weight| *weight *= DECAY);
        }
        model
    }

    /// The probability of each class.
    pub(crate) fn predict(&self, features: &Features) -> Vec<f32> {
        let mut scores = vec![0.0; self.width];
        self.probabilities(features, &mut scores);
        scores.truncate(self.classes);
        scores
    }

    /// Bytes held.
    pub(crate) fn size(&self) -> usize {
        self.weights.len() * size_of::<f32>()
    }

    fn probabilities(&self, features: &Features, scores: &mut [f32]) {
        scores.fill(0.0);
        for (place, weight) in &features.0 {
            let row = &self.weights[*place as usize * self.width..][..self.width];
            for (score, value) in scores.iter_mut().zip(row) {
                *score += weight * value;
            }
        }
        let most = scores[..self.classes].iter().copied().fold(f32::MIN, f32::max);
        let mut sum = 0.0;
        for score in &mut scores[..self.classes] {
            *score = (*score - most).exp();
            sum += *score;
        }
        scores[self.classes..].fill(0.0);
        scores.iter_mut().for_each(|score| *score /= sum);
    }

    fn learn(&mut self, sample: &Sample, scores: &mut [f32], step: f32) {
        scores[sample.class] -= 1.0;
        for (place, weight) in &sample.features.0 {
            let row = &mut self.weights[*place as usize * self.width..][..self.width];
            let step = step * weight;
            for (value, error) in row.iter_mut().zip(scores.iter()) {
                *value -= step * error;
            }
        }
    }
}

/// A sequence that looks random and is the same in every run (splitmix64).
pub(crate) struct Stir(pub(crate) u64);

impl Stir {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound.max(1) as u64) as usize
    }

    fn shuffle(&mut self, order: &mut [u32]) {
        for last in (1..order.len()).rev() {
            order.swap(last, self.below(last + 1));
        }
    }
}
