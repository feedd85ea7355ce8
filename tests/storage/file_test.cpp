#include <cafegram/storage/session_file.hpp>

#include <fstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sample.hpp"

namespace cafegram::storage {

namespace {

using test::temporary_folder;

std::unique_ptr<session_backend> open_or_fail(const std::string& path) {
  auto backend = open_file_backend(path);
  EXPECT_TRUE(backend) << to_string(backend.error());
  return backend ? *std::move(backend) : nullptr;
}

void write_file(const std::string& path, bytes_view content) {
  std::ofstream out{path, std::ios::binary};
  out << as_text(content);
}

bytes saved_file(const temporary_folder& folder) {
  const auto path = folder.file("s");
  EXPECT_TRUE(open_or_fail(path)->commit({test::sample_session()}));
  return to_bytes(as_bytes(test::read_text(path)));
}

} // namespace

TEST(session_file, outlives_its_backend) {
  temporary_folder folder;
  const auto path = folder.file("bot.session");
  {
    auto backend = open_or_fail(path);
    auto empty = backend->load();
    ASSERT_TRUE(empty);
    EXPECT_FALSE(*empty);
    ASSERT_TRUE(backend->commit({test::sample_session()}));
    EXPECT_EQ(backend->place(), path);
  }
  auto back = open_or_fail(path)->load();
  ASSERT_TRUE(back && *back);
  test::expect_equal(test::sample_session(), **back);
}

TEST(session_file, is_for_its_owner_only) {
  temporary_folder folder;
  const auto path = folder.file("s");
  write_file(path + ".tmp", {});
  ::chmod((path + ".tmp").c_str(), 0666);
  ASSERT_TRUE(open_or_fail(path)->commit({test::sample_session()}));
  for (const auto* suffix : {"", ".lock"}) {
    struct stat status{};
    ASSERT_EQ(::stat((path + suffix).c_str(), &status), 0) << suffix;
    EXPECT_EQ(status.st_mode & 0777, 0600U) << suffix;
  }
  EXPECT_FALSE(std::filesystem::exists(path + ".tmp"));
}

TEST(session_file, a_damaged_file_is_named_and_kept) {
  temporary_folder folder;
  const auto good = saved_file(folder);
  const auto path = folder.file("s");
  struct damage {
    std::size_t at;
    std::int64_t told;
  };
  for (const auto [at, told] : {damage{0, 0}, damage{8, 8}, damage{12, 12}, damage{20, 16},
                                damage{60, 16}, damage{good.size() - 1, 16}}) {
    auto bad = good;
    bad[at] ^= 0x5a;
    write_file(path, bad);
    auto backend = open_or_fail(path);
    const auto loaded = backend->load();
    const auto committed = backend->commit({test::sample_session()});
    ASSERT_FALSE(loaded) << at;
    ASSERT_FALSE(committed) << at;
    for (const auto& why : {loaded.error(), committed.error()}) {
      EXPECT_EQ(why.code, errc::storage);
      EXPECT_EQ(why.number, told) << at;
      EXPECT_NE(why.what.find(path), std::string::npos);
    }
    EXPECT_EQ(test::read_text(path), as_text(bad)) << "the damaged file was touched";
  }
}

TEST(session_file, a_file_cut_off_anywhere_is_refused) {
  temporary_folder folder;
  const auto good = saved_file(folder);
  for (std::size_t length = 0; length < good.size(); ++length) {
    EXPECT_FALSE(unwrap_session_file(bytes_view{good}.first(length))) << length;
  }
  EXPECT_TRUE(unwrap_session_file(good));
}

TEST(session_file, a_newer_version_is_refused_by_its_number) {
  auto file = to_bytes(wrap_session_file({}).view());
  file[8] = 2;
  auto out = unwrap_session_file(file);
  ASSERT_FALSE(out);
  EXPECT_NE(out.error().what.find("version 2"), std::string::npos);
}

TEST(session_file, a_second_owner_is_refused_and_told_the_first) {
  temporary_folder folder;
  const auto path = folder.file("s");
  int ready[2];
  int done[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(done), 0);
  const auto child = ::fork();
  if (child == 0) {
    auto backend = open_file_backend(path);
    char signal = backend ? 'y' : 'n';
    (void)!::write(ready[1], &signal, 1);
    (void)!::read(done[0], &signal, 1);
    // Ends without a destructor, as a crash does.
    ::_exit(0);
  }
  char signal = 0;
  ASSERT_EQ(::read(ready[0], &signal, 1), 1);
  ASSERT_EQ(signal, 'y');
  auto second = open_file_backend(path);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, errc::storage);
  EXPECT_EQ(second.error().number, child);
  EXPECT_NE(second.error().what.find("process " + std::to_string(child)), std::string::npos);
  ASSERT_EQ(::write(done[1], &signal, 1), 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(open_file_backend(path)) << "free again after a crash";
  for (const int fd : {ready[0], ready[1], done[0], done[1]}) {
    ::close(fd);
  }
}

TEST(session_file, a_copy_put_aside_overwrites_nothing) {
  temporary_folder folder;
  const auto good = saved_file(folder);
  const auto path = folder.file("s");
  auto backend = open_or_fail(path);
  ASSERT_TRUE(backend->load());
  auto first = test::sample_session();
  auto second = first;
  second.home_dc = 5;
  EXPECT_EQ(backend->put_aside(first, "ended-x"), path + ".ended-x");
  EXPECT_EQ(backend->put_aside(second, "ended-x"), path + ".ended-x-2");
  EXPECT_EQ(test::read_text(path), as_text(good)) << "the session itself is as it was";
  for (const auto& [name, expected] :
       {std::pair{path + ".ended-x", &first}, std::pair{path + ".ended-x-2", &second}}) {
    struct stat status{};
    ASSERT_EQ(::stat(name.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    const auto back = open_or_fail(name)->load();
    ASSERT_TRUE(back && *back) << name;
    test::expect_equal(*expected, **back);
  }
}

TEST(session_file, a_copy_that_cannot_be_written_is_an_error) {
  temporary_folder folder;
  auto backend = open_or_fail(folder.file("s"));
  const auto outcome = backend->put_aside(test::sample_session(), "no/such/folder");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, errc::storage);
}

TEST(session_file, what_cannot_be_written_leaves_the_old_state) {
  temporary_folder folder;
  const auto good = saved_file(folder);
  const auto path = folder.file("s");
  // A folder in the place of the temporary file: it cannot be opened for writing, as root neither.
  std::filesystem::create_directory(path + ".tmp");
  auto backend = open_or_fail(path);
  auto outcome = backend->commit({session_state{}});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, errc::storage);
  EXPECT_EQ(test::read_text(path), as_text(good));
}

} // namespace cafegram::storage
