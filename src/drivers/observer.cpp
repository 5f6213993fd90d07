// Observers' common parts: the JSON Lines trace and the masking of secrets.
#include <fnstack/observer.hpp>

#include <algorithm>
#include <mutex>
#include <utility>

#include <fnstack/json.hpp>

#include "base/ascii.hpp"
#include "base/base64.hpp"
#include "base/url.hpp"
#include "base/utf8.hpp"

namespace fnstack {

std::string_view name_of(Event::Kind kind) noexcept {
  switch (kind) {
    case Event::Kind::run_started:
      return "run_started";
    case Event::Kind::run_ended:
      return "run_ended";
    case Event::Kind::step:
      return "step";
    case Event::Kind::caught:
      return "caught";
    case Event::Kind::log:
      return "log";
    case Event::Kind::warning:
      return "warning";
    case Event::Kind::effect_started:
      return "effect_started";
    case Event::Kind::effect_ended:
      return "effect_ended";
    case Event::Kind::effect_abandoned:
      return "effect_abandoned";
  }
  return "";
}

namespace {

// Bidirectional controls could make a line in a terminal read as something else (SAFETY 2, log line).
std::string escape_controls(const std::string& json) {
  std::string out;
  out.reserve(json.size());
  for (std::size_t i = 0; i < json.size(); ++i) {
    const auto byte = static_cast<unsigned char>(json[i]);
    if (byte == 0x7f) {
      out += "\\u007f";
      continue;
    }
    if (byte == 0xc2 && i + 1 < json.size() && static_cast<unsigned char>(json[i + 1]) < 0xa0) {
      static constexpr char digits[] = "0123456789abcdef";
      const auto low = static_cast<unsigned char>(json[++i]);
      out += "\\u00";
      out += digits[low >> 4];
      out += digits[low & 15];
      continue;
    }
    if (byte == 0xe2 && i + 2 < json.size()) {
      const auto second = static_cast<unsigned char>(json[i + 1]);
      const auto third = static_cast<unsigned char>(json[i + 2]);
      const unsigned code = 0x2000U | ((second & 0x3fU) << 6) | (third & 0x3fU);
      const bool bidi = (code >= 0x200e && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
                        (code >= 0x2066 && code <= 0x2069);
      if (bidi) {
        static constexpr char digits[] = "0123456789abcdef";
        out += "\\u20";
        out += digits[(code >> 4) & 15];
        out += digits[code & 15];
        i += 2;
        continue;
      }
    }
    out += json[i];
  }
  return out;
}

class TraceObserver final : public Observer {
 public:
  TraceObserver(std::ostream& out, std::size_t max_bytes) : out_(out), max_bytes_(max_bytes) {}
  void on_event(const Event& event) noexcept override {
    const std::string line = to_json_line(event, max_bytes_);
    const std::lock_guard lock(mutex_);
    out_ << line << '\n';
  }

 private:
  std::mutex mutex_;
  std::ostream& out_;
  std::size_t max_bytes_;
};

// In one pass: what follows a replacement is not moved again for each.
void replace_all(std::string& text, const std::string& what, const std::string& instead) {
  std::size_t at = text.find(what);
  if (at == std::string::npos) return;
  std::string out;
  std::size_t done = 0;
  for (; at != std::string::npos; at = text.find(what, done)) {
    out.append(text, done, at - done);
    out += instead;
    done = at + what.size();
  }
  out.append(text, done);
  text = std::move(out);
}

}  // namespace

std::string to_json_line(const Event& event, std::size_t max_bytes) {
  Value line =
      Value::object({{"event", Value(name_of(event.kind))}, {"time", event.time_ms}, {"run", Value(event.run)}});
  const auto add = [&](const char* name, const std::string& text) {
    if (!text.empty()) line.set(name, Value(text));
  };
  add("function", event.function);
  add("step", event.step);
  add("label", event.label);
  add("path", event.path);
  add("effect", event.effect);
  add("kind", event.effect_kind);
  add("detail", event.detail);
  add("outcome", event.outcome);
  add("message", event.message);
  if (event.kind == Event::Kind::effect_ended || event.kind == Event::Kind::run_ended)
    line.set("duration_us", event.duration_us);
  if (!event.data.is_null()) line.set("data", event.data);
  std::string text = escape_controls(to_json(line));
  if (text.size() <= max_bytes) return text;
  // Too long: what was given along goes first, then the texts are cut; the line stays one JSON object.
  if (line.erase("data")) line.set("cut", true);
  for (std::size_t keep = max_bytes / 4;; keep /= 2) {
    text = escape_controls(to_json(line));
    if (text.size() <= max_bytes || keep < 8) return text;
    for (const char* name : {"message", "detail", "label", "step"}) {
      if (const Value* found = line.find(name))
        line.set(name, Value(base::whole_code_points(found->as_string(), keep)));
    }
    line.set("cut", true);
  }
}

std::shared_ptr<Observer> trace_observer(std::ostream& out, std::size_t max_line_bytes) {
  return std::make_shared<TraceObserver>(out, max_line_bytes);
}

SecretMask::SecretMask(const Value& env) {
  for (std::size_t i = 0; i < env.size(); ++i) {
    const std::string value = to_text(env[i]);
    if (value.size() < 6) continue;
    const std::string instead = "[env." + std::string(env.key_at(i)) + "]";
    std::vector<std::string> forms{value};
    std::string encoded;
    append_percent_encoded(encoded, value);
    forms.push_back(encoded);
    // The same with lower-case hexadecimal digits.
    std::string lower = encoded;
    for (std::size_t k = 0; k + 2 < lower.size(); ++k) {
      if (lower[k] != '%') continue;
      for (std::size_t d = 1; d <= 2; ++d) lower[k + d] = base::ascii_lower(lower[k + d]);
    }
    forms.push_back(lower);
    std::string form;
    append_form_encoded(form, value);
    forms.push_back(form);
    std::string json;
    append_json_string(json, value);
    forms.push_back(json.substr(1, json.size() - 2));
    // In base64 a text looks different at each of three alignments; of the first and last group only the
    // characters that depend on nothing around the secret are certain.
    for (std::size_t shift = 0; shift < 3; ++shift) {
      const std::string padded = std::string(shift, '\0') + value;
      std::string coded;
      base::append_base64(coded, padded);
      const std::size_t begin = shift == 0 ? 0 : shift + 1;
      const std::size_t whole = padded.size() / 3 * 4 + (padded.size() % 3 == 0 ? 0 : padded.size() % 3);
      if (whole > begin + 6) {
        forms.push_back(coded.substr(begin, whole - begin));
        std::string url_safe = forms.back();
        std::replace(url_safe.begin(), url_safe.end(), '+', '-');
        std::replace(url_safe.begin(), url_safe.end(), '/', '_');
        forms.push_back(url_safe);
      }
    }
    for (std::string& known : forms) patterns_.emplace_back(std::move(known), instead);
  }
  std::sort(patterns_.begin(), patterns_.end(), [](const auto& left, const auto& right) {
    return left.first.size() != right.first.size() ? left.first.size() > right.first.size() : left.first < right.first;
  });
  patterns_.erase(std::unique(patterns_.begin(), patterns_.end(),
                              [](const auto& left, const auto& right) { return left.first == right.first; }),
                  patterns_.end());
}

std::string SecretMask::apply_to_text(std::string_view text) const {
  std::string masked(text);
  for (const auto& [what, instead] : patterns_) replace_all(masked, what, instead);
  return masked;
}

Value SecretMask::apply(const Value& value) const {
  if (patterns_.empty()) return value;
  // A value's depth is bounded by value_depth; a host's own deeper one is cut rather than followed.
  if (value.depth() > 512) return Value("[too deep]");
  if (value.is_string()) return Value(apply_to_text(value.as_string()));
  if (value.is_number()) {
    const std::string text = to_text(value);
    const std::string masked = apply_to_text(text);
    return masked == text ? value : Value(masked);
  }
  if (value.is_array()) {
    Value array = Value::array();
    for (std::size_t i = 0; i < value.size(); ++i) array.push_back(apply(value[i]));
    return array;
  }
  if (value.is_object()) {
    Value object = Value::object();
    for (std::size_t i = 0; i < value.size(); ++i) object.set(apply_to_text(value.key_at(i)), apply(value[i]));
    return object;
  }
  return value;
}

}  // namespace fnstack
