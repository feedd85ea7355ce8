#include <cafegram/tl/coding.hpp>
#include <cafegram/tl/match.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace cafegram::tl {

namespace {

constexpr std::uint32_t null_id = 0x56730bcc;

const detail::info* find(const detail::type_info& type, std::uint32_t id) {
  const auto* first = type.alternatives;
  const auto* last = first + type.count;
  const auto* at = type.count <= 4
                       ? std::find_if(first, last, [id](const auto& a) { return a.id == id; })
                       : std::ranges::lower_bound(first, last, id, {}, &detail::alternative::id);
  return at != last && at->id == id ? at->about : nullptr;
}

/// An id that the schema knows stands in a wrong place; any other is from a schema we do not have.
decode_fault fault_of(const table& schema, std::uint32_t id) {
  const bool known = id == vector_id || schema.find(id) != nullptr;
  return known ? decode_fault::wrong_constructor : decode_fault::unknown_constructor;
}

bool is_whole_object(bytes_view data) {
  return data.size() >= 4 && data.size() % 4 == 0;
}

/// All that is left, as some object or call; not empty, in whole words.
bytes take_object(reader& in, bytes_view data) {
  if (!is_whole_object(data)) {
    in.fail(decode_fault::bad_length);
    return {};
  }
  return in.charge(1, data.size()) ? to_bytes(data) : bytes{};
}

} // namespace

detail::node* detail::read_node(reader& in, const type_info& type) {
  const auto at = in.offset();
  const auto id = in.u32();
  if (!in.ok()) {
    return nullptr;
  }
  const auto* about = find(type, id);
  if (about == nullptr) {
    in.fail(fault_of(*type.schema, id), at, id);
    return nullptr;
  }
  if (!in.charge(1, about->size) || !in.enter()) {
    return nullptr;
  }
  const auto outer = in.within(id);
  auto* out = about->make();
  about->read(in, content(*out));
  in.within(outer);
  in.leave();
  return out;
}

void detail::write_node(writer& out, const node* n, const type_info& type) {
  if (n == nullptr) {
    out.mark_incomplete(type.name);
    out.u32(null_id);
    return;
  }
  out.u32(n->id);
  n->about->write(out, content(*n));
}

void detail::get(reader& in, any_object& v) {
  v = any_object{take_object(in, in.take_rest())};
}

void detail::get_sized(reader& in, any_object& v, std::int32_t size) {
  const auto data = in.raw(size < 0 ? in.remaining() + 1 : static_cast<std::size_t>(size));
  v = any_object{take_object(in, data)};
}

void detail::get(reader& in, query& v) {
  v = query{take_object(in, in.take_rest())};
}

void detail::put(writer& out, const any_object& v) {
  if (!is_whole_object(v.view())) {
    out.mark_incomplete("Object");
  }
  out.raw(v.view());
}

void detail::put(writer& out, const query& v) {
  if (!v.missing().empty() || !is_whole_object(v.view())) {
    out.mark_incomplete(v.missing().empty() ? "query" : v.missing());
  }
  out.raw(v.view());
}

result<bytes> detail::finish(writer& out, std::string_view name) {
  if (!out.complete()) {
    return fail(errc::bad_argument, fmt::format("{}{}cannot be encoded: empty or too large: {}",
                                                name, name.empty() ? "" : " ", out.missing()));
  }
  return out.take();
}

void detail::matched_nothing(const char* type) {
  std::fprintf(stderr, "cafegram: tl::match of an empty %s\n", type);
  std::abort();
}

detail::node* detail::contain(reader& in, bytes_view whole) {
  if (in.failure().fault != decode_fault::unknown_constructor || !is_whole_object(whole)) {
    return nullptr;
  }
  return make_unknown({reader{whole}.u32(), to_bytes(whole.subspan(4))});
}

} // namespace cafegram::tl
