//! Colours, and whether they can be told apart.

use std::fmt;

/// A colour of sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Colour([u8; 3]);

pub(super) const WHITE: Colour = Colour([0xff; 3]);
pub(super) const BLACK: Colour = Colour([0; 3]);

impl Colour {
    pub(super) const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self([red, green, blue])
    }

    /// Reads `#0d5f58` or `#abc`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        let channel = |at: usize| match digits.len() {
            3 => u8::from_str_radix(&digits[at..=at].repeat(2), 16).ok(),
            6 => u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).ok(),
            _ => None,
        };
        Some(Self([channel(0)?, channel(1)?, channel(2)?]))
    }

    /// This colour with `percent` of another in it.
    pub(super) fn mixed(self, other: Self, percent: u16) -> Self {
        let channel = |at: usize| {
            let (own, other) = (u16::from(self.0[at]), u16::from(other.0[at]));
            u8::try_from((own * (100 - percent) + other * percent + 50) / 100).unwrap_or(u8::MAX)
        };
        Self([channel(0), channel(1), channel(2)])
    }

    /// Contrast with another, from 1 to 21 (WCAG 2.2, "contrast ratio").
    pub(super) fn contrast(self, other: Self) -> f64 {
        let (one, other) = (self.luminance(), other.luminance());
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// WCAG 2.2, "relative luminance".
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|channel| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_and_written_as_hex() {
        assert_eq!(Colour::parse("#0D5f58").unwrap().to_string(), "#0d5f58");
        assert_eq!(Colour::parse("#0af").unwrap().to_string(), "#00aaff");
        for bad in ["", "#", "0d5f58", "#0d5f5", "#0d5f588", "red", "#ggg", "#é1", "#+12", "rgb(0,0,0)", "#fff;}body{"] {
            assert_eq!(Colour::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn contrast_is_that_of_the_guidelines() {
        assert!((BLACK.contrast(WHITE) - 21.0).abs() < 0.001);
        assert!((WHITE.contrast(Colour::new(0x76, 0x76, 0x76)) - 4.54).abs() < 0.01);
        assert!((BLACK.contrast(BLACK) - 1.0).abs() < 0.001);
    }

    #[test]
    fn mixing_goes_from_the_one_to_the_other() {
        assert_eq!(BLACK.mixed(WHITE, 0), BLACK);
        assert_eq!(BLACK.mixed(WHITE, 100), WHITE);
        assert_eq!(BLACK.mixed(WHITE, 50).to_string(), "#808080");
    }
}
