#include <cafegram/tests/support.hpp>
#include <cafegram/tl/schema_check.hpp>

using namespace cafegram;
using tl::schema;

namespace {

constexpr std::string_view sample = R"(
// LAYER 42
int ? = Int;
vector#1cb5c415 {t:Type} # [ t ] = Vector t;
boolFalse#bc799737 = Bool;
inputPeerSelf#7da07ec9 = InputPeer; // a comment
inputPeerUser#dde8a54c user_id:long
  access_hash:long = InputPeer;
box flags:# silent:flags.3?true peers:flags.0?Vector<InputPeer> flags2:# note:flags2.31?bytes = Box;
future_salt#0949d9dc valid_since:int valid_until:int salt:long = FutureSalt;
future_salts#ae500895 req_msg_id:long now:int salts:vector<future_salt> = FutureSalts;
---functions---
messages.count#11111111 box:%Box = Vector<long>;
invokeWithLayer#da9b0d0d {X:Type} layer:int query:!X = X;
)";

schema parsed(std::string_view text) {
  auto out = schema::parse(text);
  EXPECT_TRUE(out) << to_string(out.error());
  return out ? *std::move(out) : schema{};
}

} // namespace

TEST(schema, text_is_read) {
  const auto value = parsed(sample);
  EXPECT_EQ(value.layer(), 42);
  ASSERT_EQ(value.definitions().size(), 8u);
  const auto* user = value.find(0xdde8a54c);
  ASSERT_NE(user, nullptr);
  EXPECT_EQ(user->name, "inputPeerUser");
  EXPECT_EQ(user->params.size(), 2u);
  EXPECT_EQ(value.constructors_of("InputPeer").size(), 2u);
  const auto* box = value.find_constructor("box");
  ASSERT_NE(box, nullptr);
  EXPECT_TRUE(box->params[1].is_flag());
  EXPECT_EQ(box->params[1].bit, 3);
  EXPECT_EQ(box->params[2].type.args.front().name, "InputPeer");
  EXPECT_EQ(box->params[4].flags_word, "flags2");
  const auto* salts = value.find_constructor("future_salts");
  ASSERT_NE(salts, nullptr);
  EXPECT_TRUE(salts->params[2].type.bare);
  EXPECT_EQ(value.bare_definition(salts->params[2].type.args.front())->id, 0x0949d9dcu);
  const auto* count = value.find_function("messages.count");
  ASSERT_NE(count, nullptr);
  EXPECT_EQ(value.bare_definition(count->params[0].type), box);
  EXPECT_EQ(value.find_function("box"), nullptr);
  const auto* invoke = value.find_function("invokeWithLayer");
  ASSERT_NE(invoke, nullptr);
  EXPECT_EQ(invoke->type_parameters, std::vector<std::string>{"X"});
  EXPECT_TRUE(invoke->params[1].type.query);
}

TEST(schema, both_forms_keep_everything) {
  const auto value = parsed(sample);
  EXPECT_TRUE(parsed(to_text(value)).definitions() == value.definitions());
  const auto again = parsed(to_telegram_json(value));
  EXPECT_TRUE(again.definitions() == value.definitions());
  EXPECT_EQ(again.layer(), 42);
}

TEST(schema, a_layer_is_a_positive_number) {
  for (const std::string_view text :
       {"// LAYER -5", R"({"constructors":[],"methods":[],"layer":-5})",
        R"({"constructors":[],"methods":[],"layer":4294967300})"}) {
    const auto value = tl::schema::parse(text);
    ASSERT_TRUE(value) << text;
    EXPECT_EQ(value->layer(), 0) << text;
  }
}

TEST(schema, what_is_wrong_is_said_with_its_line) {
  const struct {
    std::string_view text;
    std::string_view says;
  } cases[] = {
      {"a#1 = A;\nb#1 x:int = B;", "has the id 00000001 of a"},
      {"a#1 = A;\na#2 = A;", "is defined twice"},
      {"a#1 x:Missing = A;", "'Missing' is not defined"},
      {"a#1 x:flags.0?int = A;", "no word 'flags:#'"},
      {"a#1 flags:# x:flags.32?int = A;", "bit 32"},
      {"\n\na#zz = A;", "line 3"},
      {"a#1 x = A;", "not a parameter"},
      {"a#1 x:Vector<int = A;", "not a type"},
      {"a#1 = A", "no ';'"},
      {"a#1;", "no '='"},
      {"a#1 x:Vector<Vector<Vector<Vector<Vector<Vector<Vector<Vector<Vector<Vector<Vector<Vector<"
       "Vector<Vector<Vector<Vector<Vector<Vector<int>>>>>>>>>>>>>>>>>> = A;",
       "not a type"},
      {"f#1 {X:Type} query:!X more:int = X;", "must come last"},
      {"{\"constructors\":3}", "no lists"},
      {"{", "does not parse"},
  };
  for (const auto& c : cases) {
    const auto out = schema::parse(c.text);
    ASSERT_FALSE(out) << c.text;
    EXPECT_EQ(out.error().code, errc::malformed);
    EXPECT_NE(out.error().what.find(c.says), std::string::npos) << out.error().what;
  }
}

TEST(schema, an_id_is_the_crc32_of_the_text) {
  const auto value = parsed(sample);
  const auto* box = value.find_constructor("box");
  ASSERT_NE(box, nullptr);
  EXPECT_EQ(tl::checksum_text(*box),
            "box flags:# peers:flags.0?Vector InputPeer flags2:# note:flags2.31?string = Box");
  EXPECT_EQ(box->id, tl::compute_id(*box));
  EXPECT_EQ(tl::compute_id(*value.find_function("invokeWithLayer")), 0xda9b0d0du);
  EXPECT_EQ(tl::compute_id(*value.find_constructor("future_salts")), 0xae500895u);
  const auto wrong = tl::check_ids(value);
  ASSERT_EQ(wrong.size(), 1u);
  EXPECT_EQ(wrong.front().name, "messages.count");
  EXPECT_TRUE(wrong.front().reason.empty());
}

TEST(schema, the_difference_names_what_changed) {
  const auto before = parsed("a#1 = A;\nb#2 x:int = A;\nc#3 = A;\n---functions---\nf#4 = A;");
  const auto after = parsed("a#1 = A;\nb#5 x:long = A;\nd#6 = A;\n---functions---\nf#7 = A;");
  EXPECT_EQ(to_string(tl::diff(before, after)), "+ d#00000006 = A;\n"
                                                "- c#00000003 = A;\n"
                                                "~ b#00000002 x:int = A;\n"
                                                "  b#00000005 x:long = A;\n"
                                                "~ f#00000004 = A;\n"
                                                "  f#00000007 = A;\n"
                                                "1 added, 1 removed, 2 altered\n");
  EXPECT_TRUE(tl::diff(before, before).empty());
}

TEST(schema, the_canonical_order_does_not_depend_on_the_source) {
  const auto one = parsed("b#2 = B;\na2#3 = A;\na1#1 = A;\n---functions---\ng#5 = A;\nf#4 = A;");
  const auto two = parsed("a1#1 = A;\n---functions---\nf#4 = A;\ng#5 = A;\n---types---\n"
                          "a2#3 = A;\nb#2 = B;");
  EXPECT_EQ(to_text(*tl::canonical(one)), to_text(*tl::canonical(two)));
}

TEST(schema, merging_keeps_the_first) {
  const auto both = tl::merge(parsed("// LAYER 3\na#1 = A;"), parsed("a#2 = A;\nb#3 = B;"));
  ASSERT_TRUE(both);
  EXPECT_EQ(both->layer(), 3);
  EXPECT_EQ(both->find_constructor("a")->id, 1u);
  EXPECT_NE(both->find_constructor("b"), nullptr);
}

TEST(schema, our_schemas_are_canonical_and_every_id_holds) {
  for (const char* file : {"api.tl", "mtproto.tl"}) {
    const auto text = test::read_text(test::source_folder() / "tl" / "schema" / file);
    const auto value = parsed(text);
    const auto sorted = tl::canonical(value);
    ASSERT_TRUE(sorted);
    EXPECT_TRUE(to_text(*sorted) == text) << file;
    for (const auto& wrong : tl::check_ids(value)) {
      EXPECT_FALSE(wrong.reason.empty()) << file << ' ' << wrong.name;
      EXPECT_STREQ(file, "mtproto.tl") << wrong.name;
    }
  }
}

TEST(schema, shared_schemas_parse_and_their_ids_hold) {
  CAFEGRAM_NEEDS_SHARED();
  int count = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator{test::shared_folder() / "rigs" / "schema"}) {
    if (entry.path().extension() != ".tl") {
      continue;
    }
    ++count;
    const auto value = parsed(test::read_text(entry.path()));
    EXPECT_GT(value.definitions().size(), 30u) << entry.path();
    for (const auto& wrong : tl::check_ids(value)) {
      EXPECT_FALSE(wrong.reason.empty()) << entry.path() << ' ' << wrong.name;
    }
    // Constructors and functions are mixed in some files: the order is not kept.
    EXPECT_EQ(to_string(tl::diff(value, parsed(to_telegram_json(value)))),
              "0 added, 0 removed, 0 altered\n");
  }
  EXPECT_GT(count, 0);
}
