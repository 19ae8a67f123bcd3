// Package smartlead reads the provider's wire: every dialect in which it posts
// an event, one event per body or arrays of them, becomes a webhook.Event with
// one identity, and credentials are removed before anything is stored.
//
// [Parse] is for the receiver, [Normalize] for whoever holds a stored payload.
// Both read the redacted payload and nothing else, so that they cannot disagree
// on the event or its identity. Redaction is idempotent.
//
// # What is accepted
//
// UTF-8 JSON, with or without a byte order mark; an object, an array, either of
// them inside JSON text or a relay's {"body": …} wrapper. Everything that is an
// object is an event: unknown types, objects without a type and the empty
// object, also within an array, are kept as UNKNOWN. Other elements of an array
// are refused one by one.
//
// Of duplicate members the last one counts, as for encoding/json; the stored
// payload has only that one, so that every later reader agrees. Numbers are
// never converted: ids are compared as exact decimal text (12, 12.0 and 1.2e1
// are "12"), a number that is too large to write out keeps its spelling. The
// text "null" is null. NUL and surrogates without a partner are read as U+FFFD;
// in the payload such surrogates are replaced, since strict readers refuse them.
//
// # How a dialect is told
//
// By the member that holds the type (event_type before event, eventType, type,
// and event_types with one value), then by names that one dialect alone has,
// then by the members beside it: lead{} makes nestedtype, members such as
// stats_id or event_timestamp make help, else the body is apiflat. A type that
// nobody has seen, in no such shape, is of the dialect unknown.
//
// # What depends on the type
//
// All that depends on an event's type stands in one table, rules, one row for
// each: its names, where its time and its step stand, who its people are, what
// else it has, and what tells two such events apart.
//
// Where the provider's pages contradict each other, the choices are in
// docs/decisions/smartlead-facts.md.
package smartlead
