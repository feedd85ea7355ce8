#pragma once

#include <cafegram/tl/codec.hpp>
#include <cafegram/tl/table.hpp>

namespace cafegram::tl::detail {

/// Takes what a walk over encoded octets finds, in order.
class text_sink {
public:
  virtual ~text_sink() = default;
  /// True when nothing that the sink is told matters: a trial, to see whether octets can be walked.
  virtual bool silent() const { return false; }
  virtual void begin_object(std::string_view name) = 0;
  virtual void end_object() = 0;
  /// Where the octets of the next field's value begin, within the data that is walked.
  virtual void place(const std::uint8_t*) {}
  virtual void field(std::string_view name) = 0;
  virtual void begin_list() = 0;
  virtual void end_list() = 0;
  virtual void number(std::int32_t value) = 0;
  virtual void wide_number(std::int64_t value) = 0;
  virtual void real(double value) = 0;
  virtual void boolean(bool value) = 0;
  virtual void text(bytes_view value) = 0;
  virtual void octets(bytes_view value) = 0;
  /// An object that the schema does not know, id included.
  virtual void opaque(bytes_view value) = 0;
};

/// Does nothing about anything: for sinks that want to hear of some of it.
class deaf_sink : public text_sink {
public:
  void begin_object(std::string_view) override {}
  void end_object() override {}
  void field(std::string_view) override {}
  void begin_list() override {}
  void end_list() override {}
  void number(std::int32_t) override {}
  void wide_number(std::int64_t) override {}
  void real(double) override {}
  void boolean(bool) override {}
  void text(bytes_view) override {}
  void octets(bytes_view) override {}
  void opaque(bytes_view) override {}
};

/// Walks the octets of a value and tells the sink; false if they do not follow the schema, then
/// the sink has seen a part.
bool walk(bytes_view data, std::span<const kind> form, const table* schema, text_sink& out);

} // namespace cafegram::tl::detail
