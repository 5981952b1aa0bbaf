//! Log lines in the form that the client understands: one JSON object per line on standard error.

use std::fmt;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// Crates below us whose trace lines show bytes of the connection.
const SILENT: [&str; 9] =
    ["h2", "hyper", "hyper_util", "rustls", "tokio", "tonic", "tower", "ureq", "ureq_proto"];

/// Starts logging at the level that the environment asks for; without one nothing is logged.
pub(crate) fn install(name: &str, variable: impl Fn(&str) -> Option<String>) {
    let own = format!("TF_LOG_PROVIDER_{}", name.to_uppercase());
    let level = [own.as_str(), "TF_LOG_PROVIDER", "TF_LOG"]
        .into_iter()
        .find_map(variable)
        .map_or(LevelFilter::OFF, |text| level(&text));
    if level != LevelFilter::OFF {
        let subscriber = tracing_subscriber::registry().with(HclogLayer { level });
        // A second provider in the same process keeps the first one's.
        let _ = tracing::subscriber::set_global_default(subscriber);
    }
}

/// The client takes other words, `JSON` among them, as the most detailed level.
fn level(text: &str) -> LevelFilter {
    match text.to_ascii_uppercase().as_str() {
        "" | "OFF" => LevelFilter::OFF,
        "ERROR" => LevelFilter::ERROR,
        "WARN" => LevelFilter::WARN,
        "INFO" => LevelFilter::INFO,
        "DEBUG" => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    }
}

struct HclogLayer {
    level: LevelFilter,
}

/// The fields of a span, kept with it.
struct SpanFields(Map<String, Value>);

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for HclogLayer {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let origin = metadata.target().split("::").next().unwrap_or_default();
        *metadata.level() <= self.level && !SILENT.contains(&origin)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Map::new();
            attributes.record(&mut Collect(&mut fields));
            span.extensions_mut().insert(SpanFields(fields));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(SpanFields(fields)) = span.extensions_mut().get_mut()
        {
            values.record(&mut Collect(fields));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Map::new();
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(SpanFields(of_span)) = span.extensions().get() {
                for (name, value) in of_span {
                    fields.entry(name.clone()).or_insert_with(|| value.clone());
                }
            }
        }
        event.record(&mut Collect(&mut fields));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let line = line(event.metadata(), fields, now.as_secs(), now.subsec_micros());
        // Standard error may be closed; a lost log line is no reason to fail.
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }
}

struct Collect<'f>(&'f mut Map<String, Value>);

impl Visit for Collect<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), json!(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), json!(value));
    }
}

fn line(metadata: &Metadata<'_>, mut fields: Map<String, Value>, secs: u64, micros: u32) -> String {
    let message = fields.remove("message").unwrap_or_else(|| json!(metadata.name()));
    let caller = metadata.file().zip(metadata.line()).map(|(file, line)| format!("{file}:{line}"));
    fields.insert("@level".into(), json!(level_name(*metadata.level())));
    fields.insert("@message".into(), message);
    fields.insert("@module".into(), json!("provider"));
    fields.insert("@timestamp".into(), json!(timestamp(secs, micros)));
    if let Some(caller) = caller {
        fields.insert("@caller".into(), json!(caller));
    }
    format!("{}\n", Value::Object(fields))
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

/// RFC 3339 in UTC with exactly six decimals: with another number of them the client takes the line for plain text.
fn timestamp(secs: u64, micros: u32) -> String {
    let (year, month, day) = date(secs / 86_400);
    let (hour, minute, second) = (secs / 3600 % 24, secs / 60 % 60, secs % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
}

/// Days since 1970-01-01 as year, month and day of the Gregorian calendar. Years begin in March here, so that the
/// leap day is their last.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_have_six_decimals() {
        for (secs, micros, expected) in [
            (0, 0, "1970-01-01T00:00:00.000000Z"),
            (951_782_399, 999_999, "2000-02-28T23:59:59.999999Z"),
            (951_782_400, 1, "2000-02-29T00:00:00.000001Z"),
            (951_868_800, 0, "2000-03-01T00:00:00.000000Z"),
            (1_709_164_800, 0, "2024-02-29T00:00:00.000000Z"),
            (1_735_689_599, 120, "2024-12-31T23:59:59.000120Z"),
            (4_107_542_400, 0, "2100-03-01T00:00:00.000000Z"),
        ] {
            assert_eq!(timestamp(secs, micros), expected);
        }
    }

    #[test]
    fn levels_are_the_clients() {
        assert_eq!(level("off"), LevelFilter::OFF);
        assert_eq!(level("Warn"), LevelFilter::WARN);
        assert_eq!(level("JSON"), LevelFilter::TRACE);
    }

    #[test]
    fn an_event_becomes_one_line_with_the_fields_of_its_spans() {
        use std::sync::{Arc, Mutex};
        struct Tap(Arc<Mutex<Vec<String>>>);
        impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Tap {
            fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
                let mut fields = Map::new();
                event.record(&mut Collect(&mut fields));
                self.0.lock().unwrap().push(line(event.metadata(), fields, 0, 0));
            }
        }
        let lines = Arc::new(Mutex::new(Vec::new()));
        let subscriber = tracing_subscriber::registry().with(Tap(Arc::clone(&lines)));
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(count = 3_u64, name = "x\ny", "something {}", "happened");
        });
        let lines = lines.lock().unwrap();
        assert_eq!(lines[0].matches('\n').count(), 1);
        let object: Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(object["@level"], "warn");
        assert_eq!(object["@message"], "something happened");
        assert_eq!(object["@module"], "provider");
        assert_eq!(object["count"], 3);
        assert_eq!(object["name"], "x\ny");
    }
}
