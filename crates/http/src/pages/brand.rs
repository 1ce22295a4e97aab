//! Whose house it is: what an operator may change about how the pages look.

use std::sync::LazyLock;

use serde::Deserialize;
use vestibule_domain::registration::FieldFault;

use super::{
    Href,
    colour::{BLACK, Colour, WHITE},
    phrase::is_plain,
    style::Style,
};

const LONGEST_NAME: usize = 40;
/// WCAG 2.2 §1.4.3, for text.
const ENOUGH: f64 = 4.5;

/// The papers of `page.css` on which the accent stands, in its two themes.
const LIGHT_CARD: Colour = WHITE;
const DARK_CARD: Colour = Colour::new(0x1e, 0x27, 0x27);
const DARK_INK: Colour = Colour::new(0x0b, 0x12, 0x12);

/// A brand as an operator writes it; everything may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BrandDraft {
    /// The name above every page.
    pub name: Option<String>,
    /// The colour of buttons, marks and focus on light ground, as `#0d5f58`.
    pub accent: Option<String>,
    /// The same on dark ground; made from `accent` when left out.
    pub accent_dark: Option<String>,
    /// Where people find help: a web address or `mailto:`.
    pub help: Option<String>,
    /// Where they read what becomes of their data.
    pub privacy: Option<String>,
}

/// A brand that was checked: its texts are plain, its colours can be read in both themes, and its addresses lead somewhere.
#[derive(Clone, Debug)]
pub struct Brand {
    name: String,
    style: Style,
    help: Option<Href>,
    privacy: Option<Href>,
}

impl Default for Brand {
    fn default() -> Self {
        Self { name: "Vestibule".into(), style: Style::new(None), help: None, privacy: None }
    }
}

/// Our own.
pub(super) static OURS: LazyLock<Brand> = LazyLock::new(Brand::default);

impl Brand {
    /// Checks a draft; what is wrong is added to `faults`, below `pointer`, and ours stands in for it.
    pub fn check(draft: &BrandDraft, pointer: &str, faults: &mut Vec<FieldFault>) -> Self {
        let mut add = |field: &str, message: String| faults.push(FieldFault { pointer: format!("{pointer}/{field}"), message });
        let mut brand = Self::default();
        match draft.name.as_deref().map(str::trim) {
            None => {}
            Some(name) if !name.is_empty() && name.chars().count() <= LONGEST_NAME && is_plain(name) => name.clone_into(&mut brand.name),
            Some(_) => add("name", format!("must have 1 to {LONGEST_NAME} characters, and none that control or hide text")),
        }
        let accent = accent(draft.accent.as_deref(), Theme::Light).unwrap_or_else(|message| {
            add("accent", message);
            None
        });
        let dark = accent_dark(draft.accent_dark.as_deref(), accent).unwrap_or_else(|message| {
            add("accent_dark", message);
            None
        });
        if draft.accent.is_none() && draft.accent_dark.is_some() {
            add("accent_dark", "is for dark ground alone; set accent for light ground too".into());
        }
        brand.style = Style::new(accent.zip(dark).map(|(light, dark)| Accents { light, dark }));
        for (field, text, place) in [("help", &draft.help, &mut brand.help), ("privacy", &draft.privacy, &mut brand.privacy)] {
            *place = text.as_deref().and_then(Href::outside);
            if text.is_some() && place.is_none() {
                add(field, "must be a web address, as https://corp.example/help, or mailto: and an address".into());
            }
        }
        brand
    }

    /// The name above every page.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its accents as rules of a style sheet; nothing if they are ours.
    pub(crate) fn accents(&self) -> &str {
        self.style.accents()
    }

    /// Its mark as an icon.
    pub(crate) fn icon(&self) -> &str {
        self.style.icon()
    }

    pub(super) fn style(&self) -> &Style {
        &self.style
    }

    pub(super) fn help(&self) -> Option<&Href> {
        self.help.as_ref()
    }

    pub(super) fn privacy(&self) -> Option<&Href> {
        self.privacy.as_ref()
    }
}

/// The accent in both themes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Accents {
    light: Colour,
    dark: Colour,
}

impl Accents {
    pub(super) fn light(self) -> Colour {
        self.light
    }

    /// Rules that stand behind those of `page.css` and replace its accents. Only colours that were read go in, so nothing of an operator's text
    /// is in a style.
    pub(super) fn css(self) -> String {
        let rules = |theme: Theme, accent: Colour| {
            let (away, ink) = match theme {
                Theme::Light => (BLACK, WHITE),
                Theme::Dark => (WHITE, DARK_INK),
            };
            let (strong, tint) = (accent.mixed(away, 25), theme.tint(accent));
            let [mark, mid] = theme.marks(accent);
            format!("--accent: {accent}; --accent-strong: {strong}; --on-accent: {ink}; --tint: {tint}; --mark: {mark}; --mark-mid: {mid};")
        };
        format!(
            ":root {{ {} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {} }} }}\n",
            rules(Theme::Light, self.light),
            rules(Theme::Dark, self.dark)
        )
    }
}

#[derive(Clone, Copy)]
enum Theme {
    Light,
    Dark,
}

impl Theme {
    /// The ground of a button under the pointer, and of a badge: the accent's hardest paper.
    fn tint(self, accent: Colour) -> Colour {
        match self {
            Self::Light => LIGHT_CARD.mixed(accent, 7),
            Self::Dark => DARK_CARD.mixed(accent, 7),
        }
    }

    /// The outer arch of the mark, and the one inside it.
    fn marks(self, accent: Colour) -> [Colour; 2] {
        match self {
            Self::Light => [accent, accent.mixed(LIGHT_CARD, 35)],
            Self::Dark => [accent.mixed(DARK_CARD, 45), accent.mixed(DARK_CARD, 15)],
        }
    }

    fn is_readable(self, accent: Colour) -> bool {
        accent.contrast(self.tint(accent)) >= ENOUGH
    }

    /// The nearest colour of the same hue that can be read.
    fn nearest(self, accent: Colour) -> Colour {
        let away = match self {
            Self::Light => BLACK,
            Self::Dark => WHITE,
        };
        let found = (0..=100).map(|percent| accent.mixed(away, percent)).find(|colour| self.is_readable(*colour));
        found.unwrap_or(away)
    }

    fn ground(self) -> (&'static str, Colour) {
        match self {
            Self::Light => ("light", LIGHT_CARD),
            Self::Dark => ("dark", DARK_CARD),
        }
    }
}

fn accent(text: Option<&str>, theme: Theme) -> Result<Option<Colour>, String> {
    let Some(text) = text else { return Ok(None) };
    let colour = Colour::parse(text).ok_or("is not a colour: write it as #0d5f58")?;
    if theme.is_readable(colour) {
        return Ok(Some(colour));
    }
    let (name, card) = theme.ground();
    Err(format!(
        "has a contrast of {:.1} on {name} ground, and text needs {ENOUGH} (WCAG 2.2 §1.4.3); {} is the nearest that has it",
        colour.contrast(card),
        theme.nearest(colour)
    ))
}

fn accent_dark(text: Option<&str>, light: Option<Colour>) -> Result<Option<Colour>, String> {
    let own = accent(text, Theme::Dark)?;
    Ok(own.or_else(|| light.map(|light| Theme::Dark.nearest(light))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn checked(draft: Value) -> (Brand, Vec<String>) {
        let draft: BrandDraft = serde_json::from_value(draft).unwrap();
        let mut faults = Vec::new();
        let brand = Brand::check(&draft, "/brand", &mut faults);
        (brand, faults.into_iter().map(|fault| format!("{} {}", fault.pointer, fault.message)).collect())
    }

    #[test]
    fn a_brand_that_can_be_read_is_taken() {
        let (brand, faults) = checked(json!({
            "name": " Corp ID ", "accent": "#7a1fa2", "accent_dark": "#d9a6f0", "help": "mailto:help@corp.example", "privacy": "https://corp.example/p"
        }));
        assert_eq!(faults, [""; 0]);
        assert_eq!(brand.name(), "Corp ID");
        assert_eq!(brand.help().unwrap().to_string(), "mailto:help@corp.example");
        let rules: Vec<_> =
            brand.style().css().lines().rev().take(2).filter_map(|rule| rule.split_once("--accent: ")?.1.get(..70)).collect();
        assert_eq!(
            rules,
            [
                "#d9a6f0; --accent-strong: #e3bcf4; --on-accent: #0b1212; --tint: #2b30",
                "#7a1fa2; --accent-strong: #5c177a; --on-accent: #ffffff; --tint: #f6ef"
            ]
        );
    }

    #[test]
    fn without_a_colour_for_dark_ground_one_is_made() {
        let (brand, faults) = checked(json!({"accent": "#7a1fa2"}));
        assert_eq!(faults, [""; 0]);
        assert!(brand.style().css().contains("--accent: #b37fca;"), "{}", brand.style().css());
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_what_can() {
        let (_, faults) = checked(json!({"accent": "#ffcc00", "accent_dark": "#333333"}));
        assert_eq!(
            faults,
            [
                "/brand/accent has a contrast of 1.5 on light ground, and text needs 4.5 (WCAG 2.2 §1.4.3); #876c00 is the nearest that has it",
                "/brand/accent_dark has a contrast of 1.2 on dark ground, and text needs 4.5 (WCAG 2.2 §1.4.3); #959595 is the nearest that has it",
            ]
        );
        let (_, faults) = checked(json!({"accent": "teal", "name": "", "help": "javascript:alert(1)", "privacy": "/local"}));
        let at: Vec<_> = faults.iter().filter_map(|fault| fault.split(' ').next()).collect();
        assert_eq!(at, ["/brand/name", "/brand/accent", "/brand/help", "/brand/privacy"]);
        assert!(serde_json::from_value::<BrandDraft>(json!({"acent": "#000"})).is_err());
    }

    proptest! {
        #[test]
        fn whatever_colour_is_taken_is_readable_in_both_themes(red: u8, green: u8, blue: u8) {
            let text = Colour::new(red, green, blue).to_string();
            let suggested = Theme::Light.nearest(Colour::new(red, green, blue)).to_string();
            let (_, faults) = checked(json!({"accent": suggested}));
            prop_assert_eq!(faults, Vec::<String>::new(), "what is suggested for {} is taken", text);
            let dark = Theme::Dark.nearest(Colour::new(red, green, blue));
            prop_assert!(Theme::Dark.is_readable(dark) && DARK_INK.contrast(dark) >= ENOUGH);
        }
    }
}
