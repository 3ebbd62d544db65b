//! Curves as inline SVG: an axis down, an axis to the right, and lines between them.
//!
//! ```text
//!  value │      ╭╮
//!        │  ╭───╯╰──     a grid line for each tick; a line has a break where there is no value
//!        └──────────
//! ```

use std::fmt::Write;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 260.0;
/// Room for the ticks' texts and the names of the lines.
const LEFT: f64 = 70.0;
const RIGHT: f64 = 30.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 30.0;

/// Up to this count each whole number has a tick.
const FEW: f64 = 6.0;

/// What an axis shows, from one end to the other.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    from: f64,
    to: f64,
    /// Equal steps are equal factors.
    logarithmic: bool,
    ticks: Vec<(f64, String)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) name: &'static str,
    /// Points in the order of the axis to the right.
    pub(crate) points: Vec<(f64, f64)>,
}

impl Axis {
    /// From zero to this value or a little more, with ticks at round values.
    pub(crate) fn linear(to: f64, show: impl Fn(f64) -> String) -> Self {
        let to = to.max(f64::MIN_POSITIVE);
        let magnitude = 10_f64.powf(to.log10().floor());
        let step = [0.2, 0.5, 1.0, 2.0].map(|part| part * magnitude);
        let step = step.into_iter().find(|step| to / step <= 6.0).unwrap_or(2.0 * magnitude);
        Self::steps(to, step, show)
    }

    /// From zero to this count or a little more, with ticks at whole numbers.
    pub(crate) fn counts(to: f64) -> Self {
        let show = |value: f64| format!("{value:.0}");
        if to > FEW { Self::linear(to, show) } else { Self::steps(to.max(1.0), 1.0, show) }
    }

    fn steps(to: f64, step: f64, show: impl Fn(f64) -> String) -> Self {
        let count = (to / step).ceil() as u32;
        let ticks = (0..=count).map(|n| f64::from(n) * step);
        Self::at(ticks.map(|value| (value, show(value))).collect())
    }

    /// Whole powers of ten around these values, which are not negative.
    pub(crate) fn powers(least: f64, most: f64, show: impl Fn(f64) -> String) -> Self {
        let begin = least.max(1.0).log10().floor() as i32;
        let end = (most.max(1.0).log10().ceil() as i32).max(begin + 1);
        let ticks = (begin..=end).map(|power| 10_f64.powi(power));
        let ticks = ticks.map(|value| (value, show(value))).collect();
        Self { logarithmic: true, ..Self::at(ticks) }
    }

    /// The same axis, up to here, without later ticks.
    pub(crate) fn up_to(mut self, end: f64) -> Self {
        self.to = end;
        self.ticks.retain(|(value, _)| *value <= end);
        self
    }

    /// An axis with these ticks; the outer ones are its ends.
    pub(crate) fn at(ticks: Vec<(f64, String)>) -> Self {
        let from = ticks.first().map_or(0.0, |tick| tick.0);
        let to = ticks.last().map_or(1.0, |tick| tick.0);
        Self { from, to, logarithmic: false, ticks }
    }

    /// Where a value lies, from 0 to 1.
    fn place(&self, value: f64) -> f64 {
        let scale = |value: f64| if self.logarithmic { value.log10() } else { value };
        let place = (scale(value) - scale(self.from)) / (scale(self.to) - scale(self.from));
        place.clamp(0.0, 1.0)
    }
}

/// A picture with its title. A value of zero on a logarithmic axis is left out.
pub(crate) fn chart(title: &str, across: &Axis, up: &Axis, lines: &[Line]) -> String {
    let x = |value: f64| LEFT + across.place(value) * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| HEIGHT - BOTTOM - up.place(value) * (HEIGHT - TOP - BOTTOM);
    let mut svg = format!(
        "<figure><figcaption>{title}</figcaption>\
         <svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">\n"
    );
    // Writing to a String cannot fail.
    for (value, text) in &up.ticks {
        let (y, right, left) = (y(*value), WIDTH - RIGHT, LEFT - 6.0);
        let _ = writeln!(svg, "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{right}\"/>");
        let below = y + 4.0;
        let _ = writeln!(svg, "<text class=\"end\" x=\"{left}\" y=\"{below:.1}\">{text}</text>");
    }
    for (value, text) in &across.ticks {
        let (x, bottom) = (x(*value), HEIGHT - 10.0);
        let _ = writeln!(svg, "<text class=\"middle\" x=\"{x:.1}\" y=\"{bottom}\">{text}</text>");
    }
    for (n, line) in lines.iter().enumerate() {
        let path = path(line, up, x, y);
        let _ = writeln!(svg, "<path class=\"line l{n}\" d=\"{path}\"/>");
        let (x, name) = (LEFT + 110.0 * n as f64, line.name);
        let _ = writeln!(svg, "<text class=\"name l{n}\" x=\"{x}\" y=\"14\">{name}</text>");
    }
    svg + "</svg></figure>\n"
}

/// The path of a line, with a break at each point that is left out.
fn path(line: &Line, up: &Axis, x: impl Fn(f64) -> f64, y: impl Fn(f64) -> f64) -> String {
    let mut path = String::new();
    let mut pen = false;
    for (across, value) in &line.points {
        if up.logarithmic && *value <= 0.0 {
            pen = false;
            continue;
        }
        let command = if pen { 'L' } else { 'M' };
        let _ = write!(path, "{command}{:.1} {:.1}", x(*across), y(*value));
        pen = true;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, text)| &**text).collect()
    }

    #[test]
    fn ticks_are_round_and_few() {
        let show = |value: f64| value.to_string();
        assert_eq!(texts(&Axis::linear(3.0, show)), ["0", "0.5", "1", "1.5", "2", "2.5", "3"]);
        assert_eq!(texts(&Axis::linear(19_900.0, show)), ["0", "5000", "10000", "15000", "20000"]);
        assert_eq!(texts(&Axis::powers(250.0, 9_000.0, show)), ["100", "1000", "10000"]);
    }

    #[test]
    fn ticks_of_counts_are_whole_and_different() {
        assert_eq!(texts(&Axis::counts(0.0)), ["0", "1"]);
        assert_eq!(texts(&Axis::counts(3.0)), ["0", "1", "2", "3"]);
        assert_eq!(texts(&Axis::counts(6.5)), ["0", "2", "4", "6", "8"]);
        for to in 1..500 {
            let axis = Axis::counts(f64::from(to));
            let texts = texts(&axis);
            assert!(texts.windows(2).all(|pair| pair[0] != pair[1]), "{texts:?}");
        }
    }

    #[test]
    fn an_axis_of_nothing_is_still_one() {
        let axes =
            [Axis::linear(0.0, |_| String::new()), Axis::powers(0.0, 0.0, |_| String::new())];
        for axis in axes {
            assert!(axis.to > axis.from && axis.place(0.0) == 0.0, "{axis:?}");
        }
    }

    #[test]
    fn a_line_is_broken_where_there_is_no_value() {
        let points = vec![(0.0, 10.0), (1.0, 100.0), (2.0, 0.0), (3.0, 10.0)];
        let up = Axis::powers(10.0, 100.0, |_| String::new());
        let path = path(&Line { name: "a", points }, &up, |x| x, |y| y);
        assert_eq!(path, "M0.0 10.0L1.0 100.0M3.0 10.0");
    }
}
