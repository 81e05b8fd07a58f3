// Requests that are answered by a stream: WATCH. A stream has at most one reply among what is put
// out and not sent, so a client that reads slowly slows down nobody but itself.
#include <algorithm>

#include "core/check.hpp"
#include "net/frames.hpp"
#include "net/session.hpp"

namespace atlas::net {

void session::answer_part(const ticket_entry& entry, client_reply&& reply) {
  put_out({true, entry.tag}, std::move(reply), entry.ticket);
}

void session::note_all_sent() {
  desk_.taken.insert(desk_.taken.end(), given_.begin(), given_.end());
  given_.clear();
}

const ticket_entry* session::find_stream(std::string_view tag) const {
  for (const auto ticket : tagged_) {
    const auto* const entry = desk_.tickets.find(ticket);
    if (entry->stream && entry->tag == tag) return entry;
  }
  return nullptr;
}

void session::take_out(const ticket_entry& entry) {
  ATLAS_CHECK(tagged_[entry.place] == entry.ticket, "a tagged request is where its entry says");
  tagged_[entry.place] = tagged_.back();
  tagged_.pop_back();
  if (entry.place < tagged_.size()) desk_.tickets.find(tagged_[entry.place])->place = entry.place;
}

void session::end_stream(std::uint64_t ticket) {
  const auto entry = desk_.take(ticket);
  take_out(entry);
  std::erase(given_, ticket);
  desk_.cancelled.push_back(ticket);
  put_out({true, entry.tag}, {0, reply_kind::ok, {}});
}

void session::end_streams() {
  std::vector<std::uint64_t> streams;
  for (const auto ticket : tagged_)
    if (desk_.tickets.find(ticket)->stream) streams.push_back(ticket);
  for (const auto ticket : streams) end_stream(ticket);
}

/// The end of the watch is the answer. Who asked under another id has one of that id as well.
void session::on_unwatch(const std::string& tag, const address& to) {
  const auto* const entry = find_stream(tag);
  if (!entry)
    return reply_at_once(
        {0, reply_kind::warn, "no watch with the id " + tag + " is open on this connection"}, to);
  end_stream(entry->ticket);
  if (to.tagged && to.tag != tag) reply_at_once({0, reply_kind::ok, {}}, to);
}

}  // namespace atlas::net
