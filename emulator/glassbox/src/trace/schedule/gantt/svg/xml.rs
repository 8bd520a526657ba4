//! The picture's style, and text in XML.

use base::Time;

/// What the classes look like, and the pattern of what waits.
pub const STYLE: &str = "<style>\
.m{font-family:ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace}\
.g{fill:#57606a}\
.n{font-variant-numeric:tabular-nums}\
.a{stroke:#d8dee4;stroke-width:1;fill:none}\
.b{fill:#f6f8fa}\
.w{fill:url(#q);stroke:#c9a227;stroke-width:.5}\
.k{stroke:#8c959f;stroke-width:2;fill:none}\
.s{stroke:#cf222e;stroke-width:3;stroke-dasharray:5 3;fill:none}\
.z{stroke:#8c959f;stroke-width:2;stroke-dasharray:1.5 2.5;fill:none}\
.i{stroke:#d8dee4;stroke-width:1;fill:none}\
.e{stroke:#24292f;stroke-width:2;fill:none}\
.f{stroke:#6e7781;stroke-width:1;stroke-dasharray:2 2;fill:none}\
.o{fill:#fff;stroke:#24292f;stroke-width:1}\
.x{fill:#24292f}\
.u{stroke:#fff;stroke-width:.7}\
.l{font-size:10px;fill:#6e7781}\
.p{font-size:10px;fill:#24292f;font-style:italic}\
.t{font-size:10px;fill:#fff}\
.c0{fill:#2b6cb0}.c1{fill:#dd7f1e}.c2{fill:#2f9469}.c3{fill:#a8508f}\
.c4{fill:#7d6b3d}.c5{fill:#6659c2}.c6{fill:#b83a3a}.c7{fill:#3f93a5}\
</style>\
<defs><pattern id=\"q\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
<rect width=\"5\" height=\"5\" fill=\"#fff8e1\"/><rect width=\"1.6\" height=\"5\" fill=\"#e2b93b\"/></pattern></defs>\n";

/// Milliseconds with two digits.
pub fn ms(time: Time) -> String {
    format!("{:.2}", time.0 as f64 / 1e6)
}

/// The same with three digits, and the unit.
pub fn ms_long(time: Time) -> String {
    format!("{:.3} ms", time.0 as f64 / 1e6)
}

/// At most `most` characters of ASCII text.
pub fn cut(text: &str, most: usize) -> String {
    match text.get(..most) {
        Some(begin) if text.len() > most => format!("{begin}~"),
        _ => text.to_owned(),
    }
}

/// Text for XML: whatever it may not contain, or would act on, is written out.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.extend(c.escape_unicode()),
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_acts_in_xml() {
        assert_eq!(escaped("a<b>&\"c\""), "a&lt;b&gt;&amp;&quot;c&quot;");
        assert_eq!(escaped("\x1b\0\u{ffff}ä"), "\\u{1b}\\u{0}\\u{ffff}ä");
        assert_eq!(cut("abcdef", 3), "abc~");
    }
}
