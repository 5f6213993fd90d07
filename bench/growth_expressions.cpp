// Functions over long lists, objects and texts.
#include "growth.hpp"

namespace bench {

namespace {

// Inputs that all rows share: `numbers`, `mixed` (numbers in disorder), `records` ({id, group, name}), `names`,
// `text` (words), `accents` (words that are not ASCII), `big` (an object), `csv`.
fnstack::Value collections(long n) {
  auto numbers = fnstack::Value::array();
  auto mixed = fnstack::Value::array();
  auto records = fnstack::Value::array();
  auto names = fnstack::Value::array();
  auto big = fnstack::Value::object();
  std::string text;
  std::string accents;
  std::string csv = "id,name\n";
  for (long i = 0; i < n; ++i) {
    const long scattered = i * 7919 % 100'003;
    numbers.push_back(i);
    mixed.push_back(scattered);
    names.push_back("name " + number(scattered));
    records.push_back(
        fnstack::Value::object({{"id", scattered}, {"group", scattered % 10}, {"name", "name " + number(scattered)}}));
    big.set("key" + number(i), scattered);
    text += "word" + number(scattered) + " ";
    accents += "wörd" + number(scattered) + " ";
    csv += number(i) + ",name " + number(scattered) + "\n";
  }
  return fnstack::Value::object({{"n", n},
                                 {"numbers", std::move(numbers)},
                                 {"mixed", std::move(mixed)},
                                 {"records", std::move(records)},
                                 {"names", std::move(names)},
                                 {"big", std::move(big)},
                                 {"text", text},
                                 {"accents", accents},
                                 {"csv", csv}});
}

}  // namespace

void add_expressions(std::vector<Growth>& rows) {
  // In `inputs`, as a field to save words.
  const auto add = [&](std::string_view expression, long n = 1'000, double most = 13) {
    const std::string definition = R"([{"function": "Create Variable", "variable_name": "i", "value": "{{inputs}}"},
        {"function": "Create Variable", "variable_name": "all", "value": )" +
                                   in_quotes("{{" + std::string(expression) + "}}") + "}]";
    rows.push_back(
        {std::string(expression), n, [definition](long size) { return running(definition, collections(size)); }, most});
  };
  add("i.numbers.map(x => x * 2)");
  add("i.numbers.filter(x => x % 2 == 0)");
  add("i.numbers.reduce((sum, x) => sum + x, 0)");
  add("i.numbers.reduce((all, x) => all.concat([x]), [])");
  add("i.numbers.reduce((all, x) => [...all, x], [])");
  add("i.numbers.reduce((all, x) => x > 7 ? [...all, x] : all, [])");
  add("i.numbers.reduce((text, x) => text + x, '')");
  add("i.records.reduce((all, r) => ({...all, [r.name]: r.id}), {})");
  add("i.mixed.sort((a, b) => a - b)", 1'000, most_of_sorts);
  add("i.mixed|sort", 1'000, most_of_sorts);
  add("i.records|sort_by('name')", 1'000, most_of_sorts);
  add("i.records|group_by('group')");
  add("i.records|group_by('name')");
  add("i.records|count_by('group')");
  add("i.records|index_by('name')");
  add("i.records|where('group', 3)");
  add("i.records|partition('group', 3)");
  add("i.records|pluck('name')");
  add("i.records|map('id', 'name')");
  add("i.names|unique");
  add("i.records|unique('name')");
  add("i.records|unique");
  add("i.names|union(i.names)");
  add("i.names|intersect(i.names)");
  add("i.names|diff(i.mixed)");
  add("i.names|overlaps(i.mixed)");
  add("i.names|remove('nothing')");
  add("i.mixed|sum");
  add("i.mixed|median", 1'000, 20);  // at 1,000 the branches of std::sort are still learnt by heart
  add("i.numbers|batch(10)");
  add("i.records.map(r => [r, [r]])|flatten");
  add("i.numbers.flatMap(x => [x, x])");
  add("i.names.join(', ')");
  add("i.numbers|reverse");
  add("i.numbers|shuffle");
  add("range(i.n)|map(x => x)");
  add("i.numbers.slice(1)");
  add("i.numbers|prepend(0)");
  add("Object.keys(i.big)");
  add("Object.entries(i.big)");
  add("Object.fromEntries(Object.entries(i.big))");
  add("Object.assign({}, i.big, i.big)");
  add("i.big|merge(i.big)");
  add("i.big|merge_recursive(i.big)");
  add("i.big|pick(Object.keys(i.big))");
  add("i.big|omit(Object.keys(i.big))");
  add("i.big|diff({})");
  add("i.big|map_values(x => x + 1)");
  add("create_object(i.names, i.numbers)");
  add("i.names|fill_keys(1)");
  add("i.big|filter_empty");
  add("i.records == JSON.parse(JSON.stringify(i.records))");
  add("JSON.stringify(i.records)");
  add("i.csv|csv_parse");
  add("i.text.toUpperCase()");
  add("i.accents.toUpperCase()");
  add("i.text.split(' ')");
  add("i.text.split('')");
  add("i.text.replaceAll('word', 'w')");
  add("i.text|replace('word', 'w')");
  add("i.text|regex_replace('[0-9]+', '#')");
  add("i.text|regex_replace('[0-9]+', m => m[0])");
  add("i.text|regex_get_all_matches('[0-9]+')");
  add("i.accents|regex_get_all_matches('[0-9]+')");
  add("i.text|regex_split(' ')");
  add("i.text.indexOf('nothing')");
  add("i.accents.indexOf('nothing')");
  add("i.accents.length");
  add("i.accents.slice(1, -1)");
  add("i.accents.split('').reverse().join('')");
  add("i.accents|slugify");
  add("i.accents|unaccent");
  add("i.accents|normalize('NFD')");
  add("i.text|capitalize");
  add("i.text|word_count");
  add("i.text|strip_tags");
  add("i.text|escape_html");
  add("i.text|trim('x')");
  add("'x'|repeat(i.n)", 8'000);
  add("i.text|pad_start(i.n * 20)");
  add("encodeURIComponent(i.accents)");
  add("i.text|base64_encode|base64_decode");
  add("i.text|sha256");
  // A position in a text is found by counting code points from its start.
  add("i.numbers.map(x => i.text[x])", 250, 0);
  add("i.numbers.map(x => i.accents[x])", 250, 0);
  add("i.numbers.includes(-1)");
  add("i.numbers.findLast(x => x < 0)");
  add("[...i.numbers, ...i.numbers]");
  add("({...i.big, x: 1})");
  add("Math.max(...i.numbers)");
  add("i.numbers.some(x => x < 0) || i.numbers.every(x => x >= 0)");

  // The step Arrays has operations of its own. Sets of 8,000 records are beyond the caches.
  const auto add_arrays = [&](std::string_view operation, std::string_view fields, long n = 1'000) {
    const std::string definition = R"([{"function": "Arrays", "operation": ")" + std::string(operation) +
                                   R"(", "array": "{{inputs.records}}", )" + std::string(fields) +
                                   R"("output_variable": "all"}])";
    rows.push_back({"Arrays " + std::string(operation), n,
                    [definition](long size) { return running(definition, collections(size)); }, 18});
  };
  add_arrays("unique", "");
  add_arrays("union", R"("array2": "{{inputs.names}}", )");
  add_arrays("intersection", R"("array2": "{{inputs.records}}", )");
  add_arrays("difference", R"("array2": "{{inputs.names}}", )");
  add_arrays("map", R"("condition": "item.name", )");
  add_arrays("filter", R"("condition": "item.group == 3", )");
  add_arrays("partition", R"("condition": "item.group == 3", )");
  add_arrays("group_by", R"("condition": "item.group", )");
  add_arrays("reduce", R"("reducer": "acc + current.id", "initial_value": 0, )");
  add_arrays("reduce", R"("reducer": "[...acc, current.id]", "initial_value": [], )");
  rows.back().name += ", [...acc, x]";
}

}  // namespace bench
