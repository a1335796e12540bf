// Package store is the contract between the market and whatever keeps its data:
// documents that change by conditional writes, logs that only grow, indexes,
// leases. Everything above works through a [Collection] and a few calls of
// [DB]; the backends (store/sqlite, store/mongo) implement [DB] and nothing
// else, and pass the one suite in store/storetest.
//
// The contract in short:
//
//   - An aggregate is one document with an id and a revision. It changes by
//     [Collection.Update] with a pure function. Nothing needs a transaction over
//     two documents.
//   - A [Command] has an id that the document remembers: repeating it is a no-op
//     with the same answer. When a write's outcome is unknown ([ErrUnknown]) the
//     caller repeats it.
//   - A change and what it says are one act: the entries are in their logs if and
//     only if the change was written. A change without an audit entry is refused.
//   - A log is an ordered, gapless sequence under one key; appending with an id
//     that is already there gives the number it has. A sealed log takes no more.
//   - Acknowledged means on disk.
//
// The package must not know any noun of the market.
package store

import (
	"context"
	"encoding/json"
	"time"

	"hezuo/fault"
)

// The errors of the contract. Compare with errors.Is.
var (
	ErrNotFound  = fault.New(fault.NotFound, "no such document")
	ErrExists    = fault.New(fault.Conflict, "a document with this id is there already")
	ErrDuplicate = fault.New(fault.Conflict, "another document holds this unique key")
	ErrConflict  = fault.New(fault.Conflict, "the document changed meanwhile")
	ErrStale     = fault.New(fault.Stale, "this is not the newest revision").WithFix("read it again, and send the act with the new ETag")
	ErrReused    = fault.New(fault.Reused, "this command id was used for something else").WithFix("use a new key for a new request")
	ErrSealed    = fault.New(fault.Gone, "the log is closed")
	ErrFenced    = fault.New(fault.Conflict, "a later holder of the lease has written")
	ErrUnknown   = fault.New(fault.Unknown, "it is not known whether the write happened").WithFix("repeat it with the same key")
	ErrClosed    = fault.New(fault.Unavailable, "the store is closed")
	ErrOutdated  = fault.New(fault.Unavailable, "a newer version of the program has changed this store's indexes").WithFix("restart this node with the newer version")
	ErrNoAudit   = fault.New(fault.Internal, "a change of state without an audit entry")
	ErrNoIndex   = fault.New(fault.Internal, "no such index")
)

// DB is what a backend implements. Its methods are safe for many goroutines,
// and, where the backend can be shared, for many processes. Every method
// returns ctx's error, or [ErrUnknown] wrapping it where a write may have
// happened, when ctx ends first.
type DB interface {
	// Define makes a collection and its indexes known. It is called once for
	// each collection before the collection is used. An index (name, version)
	// that the store has not seen is filled in the background; Find on it waits.
	Define(ctx context.Context, d Definition) error

	// Get reads one document. A tombstone is returned with Deleted set.
	// Errors: ErrNotFound.
	Get(ctx context.Context, collection, id string) (*Document, error)

	// Find reads one page of documents in the order of an index.
	// Errors: ErrNoIndex.
	Find(ctx context.Context, q Query) ([]Match, error)

	// Write puts or removes one document, with its keys and entries, if its
	// revision is the expected one, and returns when that is on disk.
	// Errors: ErrConflict (the revision is another), ErrDuplicate, ErrSealed (an
	// entry's log is sealed), ErrOutdated, ErrUnknown, and what w.Again returned.
	Write(ctx context.Context, w Write) error

	// Append adds an entry to its log and gives its number, 1 for the first.
	// An entry whose ID is in the log already is not added again: the number it
	// has is returned. Errors: ErrSealed, ErrUnknown.
	Append(ctx context.Context, e Entry) (int64, error)

	// Read gives up to limit records of a log with numbers above after, in order.
	// A log that nobody wrote to is empty.
	Read(ctx context.Context, log string, after int64, limit int) ([]Record, error)

	// Logs lists the logs whose names begin with prefix and sort after the given
	// one, in order of name.
	Logs(ctx context.Context, prefix, after string, limit int) ([]LogHead, error)

	// Ready returns nil when the store can be written to and every index that
	// was defined is filled; else what it waits for.
	Ready(ctx context.Context) error

	// Close waits for the writes under way and releases everything.
	Close() error
}

// Definition is a collection as a backend sees it.
type Definition struct {
	Collection string
	Indexes    []IndexDef
}

// IndexDef is one version of one index. A change to what Keys gives needs a new
// Version.
type IndexDef struct {
	Name    string
	Version int
	Unique  bool
	// Keys gives the document's keys from its body. It is pure.
	Keys func(body json.RawMessage) ([]Key, error)
}

// Document is one aggregate as it is stored.
type Document struct {
	Collection string           `json:"collection"`
	ID         string           `json:"id"`
	Rev        int64            `json:"rev"` // 1 for the first, one more for each change
	Body       json.RawMessage  `json:"body,omitempty"`
	Deleted    bool             `json:"deleted,omitempty"` // a tombstone: no body, no keys
	Commands   []Done           `json:"commands,omitempty"`
	Head       string           `json:"head,omitempty"`   // hash of its newest audit record; see [AuditRecord]
	Epochs     map[string]int64 `json:"epochs,omitempty"` // the highest epoch seen of each lease
}

// Done is a command that the document remembers.
type Done struct {
	ID   string `json:"id"`
	Rev  int64  `json:"rev"` // the revision it made
	Hash string `json:"hash,omitempty"`
}

// Write is one conditional write.
type Write struct {
	Collection string
	ID         string
	Expect     int64     // the revision that must be there; 0: none, not even a tombstone
	Doc        *Document // what to put, with Rev = Expect + 1; nil removes the row
	Keys       []IndexKeys
	Entries    []Entry
	// Again, if not nil, makes the write anew on the document that is there (nil
	// if none). A backend that serialises its writers may call it in place of
	// returning ErrConflict; it is pure. A nil Write with a nil error means that
	// nothing is to be written.
	Again func(current *Document) (*Write, error)
}

// IndexKeys are a document's keys in one index.
type IndexKeys struct {
	Index  string
	Unique bool
	Keys   []Key
}

// Query asks for a page of documents by an index. An empty Index is the
// document ids in order, tombstones among them; Key is then the id.
type Query struct {
	Collection string
	Index      string
	Prefix     Key    // only keys that begin with these parts
	From, To   Key    // From <= key < To; empty: no bound
	AfterKey   Key    // start behind this key and id (before it, descending)
	AfterID    string // empty: at the beginning
	Descending bool
	Limit      int // 1 to 1001: one more than a page of a [Collection]
}

// Match is a document with the key by which it was found.
type Match struct {
	Key Key
	Doc *Document
}

// Entry is what a change says, or what somebody appends to a log.
type Entry struct {
	Log  string          `json:"log"`
	ID   string          `json:"id"` // unique in its log; [Collection] fills it where it is empty
	Kind string          `json:"kind"`
	At   time.Time       `json:"at"`
	Body json.RawMessage `json:"body,omitempty"` // [Collection] puts a [Ref] to the document where it is nil
	Seal bool            `json:"seal,omitempty"` // this is the log's last entry
}

// Record is an entry with its number in its log.
type Record struct {
	N int64 `json:"n"`
	Entry
}

// LogHead is the end of a log.
type LogHead struct {
	Log    string
	Last   int64 // the newest number
	Count  int64 // how many records there are; equal to Last in a sound log
	Sealed bool
}
