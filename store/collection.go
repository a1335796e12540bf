package store

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"hezuo/fault"
)

// Spec says what a collection is.
type Spec[T any] struct {
	Name    string
	Indexes []Index[T]
	// Unaudited says why changes here are not changes of state (a cursor, a copy
	// of an answer). Empty: every change needs an audit entry, and a deleted
	// document leaves a tombstone.
	Unaudited string
}

// Index gives a document's keys. A change of what Keys returns needs a new
// Version.
type Index[T any] struct {
	Name    string
	Version int
	Unique  bool
	Keys    func(id string, doc *T) []Key
}

// Item is a document as its room sees it.
type Item[T any] struct {
	ID  string
	Rev int64
	Doc T
	// Repeated is set where a command was remembered and nothing was done again.
	Repeated bool
}

// Collection is the typed way to documents of one kind.
type Collection[T any] struct {
	db   DB
	spec Spec[T]
	defs []IndexDef
}

// Open defines a collection and gives the way to it.
func Open[T any](ctx context.Context, db DB, spec Spec[T]) (*Collection[T], error) {
	c := &Collection[T]{db: db, spec: spec}
	for _, ix := range spec.Indexes {
		c.defs = append(c.defs, IndexDef{
			Name: ix.Name, Version: ix.Version, Unique: ix.Unique,
			Keys: func(body json.RawMessage) ([]Key, error) {
				var env envelope[T]
				if err := json.Unmarshal(body, &env); err != nil {
					return nil, fmt.Errorf("index %s of %s: %w", ix.Name, spec.Name, err)
				}
				return ix.Keys(env.ID, &env.Doc), nil
			},
		})
	}
	if err := db.Define(ctx, Definition{Collection: spec.Name, Indexes: c.defs}); err != nil {
		return nil, fmt.Errorf("define %s: %w", spec.Name, err)
	}
	return c, nil
}

// envelope is a document's body: the id is in it, so that a body alone is whole.
type envelope[T any] struct {
	ID  string `json:"id"`
	Doc T      `json:"doc"`
}

// Get reads one document. Errors: [ErrNotFound], for a deleted one too.
func (c *Collection[T]) Get(ctx context.Context, id string) (Item[T], error) {
	d, err := c.db.Get(ctx, c.spec.Name, id)
	if err != nil {
		return Item[T]{}, err
	}
	if d.Deleted {
		return Item[T]{}, ErrNotFound
	}
	return c.item(d)
}

// Create makes a document. fill gets the zero T. Repeating the command gives the
// document as it is now, Repeated. Errors: [ErrExists], [ErrDuplicate],
// [ErrReused], and fill's.
func (c *Collection[T]) Create(ctx context.Context, id string, cmd Command, fill func(*T) ([]Entry, error)) (Item[T], error) {
	return c.write(ctx, id, cmd, func(d *Document) (*Write, error) {
		if d != nil {
			return nil, ErrExists
		}
		return c.changed(id, nil, cmd, fill)
	})
}

// Update changes a document by a pure function, which may be called several
// times, also on another goroutine. One that changes nothing and returns no
// entries writes nothing. Errors: [ErrNotFound], [ErrDuplicate],
// [ErrReused], [ErrStale], [ErrFenced], [ErrUnknown], and fn's.
func (c *Collection[T]) Update(ctx context.Context, id string, cmd Command, fn func(*T) ([]Entry, error)) (Item[T], error) {
	return c.write(ctx, id, cmd, func(d *Document) (*Write, error) {
		if d == nil || d.Deleted {
			return nil, ErrNotFound
		}
		return c.changed(id, d, cmd, fn)
	})
}

// Put creates or updates: fn gets the zero T where there is nothing yet.
func (c *Collection[T]) Put(ctx context.Context, id string, cmd Command, fn func(*T) ([]Entry, error)) (Item[T], error) {
	return c.write(ctx, id, cmd, func(d *Document) (*Write, error) {
		return c.changed(id, d, cmd, fn)
	})
}

// Delete removes a document. fn sees it a last time and gives the entries. A
// repeat, and the deletion of what is deleted, is a no-op.
func (c *Collection[T]) Delete(ctx context.Context, id string, cmd Command, fn func(*T) ([]Entry, error)) error {
	_, err := c.write(ctx, id, cmd, func(d *Document) (*Write, error) {
		if d == nil || d.Deleted {
			return nil, nil
		}
		it, err := c.item(d)
		if err != nil {
			return nil, err
		}
		entries, err := fn(&it.Doc)
		if err != nil {
			return nil, err
		}
		next := &Document{Collection: c.spec.Name, ID: id, Rev: d.Rev + 1, Deleted: true, Head: d.Head, Epochs: d.Epochs}
		next.Commands = remember(d.Commands, cmd, next.Rev)
		if cmd.Lease != "" {
			next.Epochs = raise(next.Epochs, cmd.Lease, cmd.Epoch)
		}
		entries, err = complete(next, cmd, entries, c.spec.Unaudited != "")
		if err != nil {
			return nil, err
		}
		w := &Write{Collection: c.spec.Name, ID: id, Expect: d.Rev, Doc: next, Entries: entries}
		if c.spec.Unaudited != "" {
			w.Doc = nil
		}
		return w, nil
	})
	return err
}

// write is the loop under every change: read, make the write, send it, and again
// where somebody else was faster.
func (c *Collection[T]) write(ctx context.Context, id string, cmd Command, build func(*Document) (*Write, error)) (Item[T], error) {
	if err := cmd.validate(); err != nil {
		return Item[T]{}, err
	}
	if id == "" {
		return Item[T]{}, fault.New(fault.Internal, "a document needs an id")
	}
	var result *Document // of the last call of attempt
	var repeated bool
	attempt := func(d *Document) (*Write, error) {
		result, repeated = d, false
		if d != nil {
			seen, err := recall(d, cmd)
			if err != nil {
				return nil, err
			}
			if seen {
				repeated = true
				return nil, nil
			}
			if cmd.Rev != 0 && cmd.Rev != d.Rev {
				return nil, ErrStale
			}
			if cmd.Lease != "" && cmd.Epoch < d.Epochs[cmd.Lease] {
				return nil, ErrFenced
			}
		}
		w, err := build(d)
		if err != nil || w == nil {
			return nil, err
		}
		result = w.Doc
		return w, nil
	}
	for try := 0; ; try++ {
		d, err := c.db.Get(ctx, c.spec.Name, id)
		if errors.Is(err, ErrNotFound) {
			d, err = nil, nil
		}
		if err != nil {
			return Item[T]{}, err
		}
		w, err := attempt(d)
		if err != nil {
			return Item[T]{}, err
		}
		if w == nil {
			return c.answer(id, result, repeated)
		}
		w.Again = attempt
		err = c.db.Write(ctx, *w)
		if err == nil {
			return c.answer(id, result, repeated)
		}
		if !errors.Is(err, ErrConflict) {
			return Item[T]{}, err
		}
		if err := pause(ctx, try); err != nil {
			return Item[T]{}, err
		}
	}
}

// answer turns what was written, or found, into an item.
func (c *Collection[T]) answer(id string, d *Document, repeated bool) (Item[T], error) {
	if d == nil || d.Deleted {
		return Item[T]{ID: id, Repeated: repeated}, nil
	}
	it, err := c.item(d)
	it.Repeated = repeated
	return it, err
}

// changed runs fn on a copy of d's content and makes the write of what came out.
func (c *Collection[T]) changed(id string, d *Document, cmd Command, fn func(*T) ([]Entry, error)) (*Write, error) {
	env := envelope[T]{ID: id}
	next := &Document{Collection: c.spec.Name, ID: id, Rev: 1}
	var expect int64
	if d != nil {
		expect, next.Rev, next.Head, next.Epochs = d.Rev, d.Rev+1, d.Head, d.Epochs
		next.Commands = d.Commands
		if !d.Deleted {
			if err := json.Unmarshal(d.Body, &env); err != nil {
				return nil, fmt.Errorf("%s: %w", c.spec.Name, err)
			}
		}
	}
	entries, err := fn(&env.Doc)
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 && d != nil && !d.Deleted && c.unchanged(d, env) {
		return nil, nil
	}
	if next.Body, err = json.Marshal(env); err != nil {
		return nil, fmt.Errorf("%s: %w", c.spec.Name, err)
	}
	next.Commands = remember(next.Commands, cmd, next.Rev)
	if cmd.Lease != "" {
		next.Epochs = raise(next.Epochs, cmd.Lease, cmd.Epoch)
	}
	if entries, err = complete(next, cmd, entries, c.spec.Unaudited != ""); err != nil {
		return nil, err
	}
	return &Write{
		Collection: c.spec.Name, ID: id, Expect: expect, Doc: next,
		Keys: c.keys(id, &env.Doc), Entries: entries,
	}, nil
}

// unchanged reports whether the document's content is what d holds.
func (c *Collection[T]) unchanged(d *Document, env envelope[T]) bool {
	var before envelope[T]
	if json.Unmarshal(d.Body, &before) != nil {
		return false
	}
	a, errA := json.Marshal(before)
	b, errB := json.Marshal(env)
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

func (c *Collection[T]) keys(id string, doc *T) []IndexKeys {
	out := make([]IndexKeys, len(c.spec.Indexes))
	for i, ix := range c.spec.Indexes {
		out[i] = IndexKeys{Index: ix.Name, Unique: ix.Unique, Keys: ix.Keys(id, doc)}
	}
	return out
}

func (c *Collection[T]) item(d *Document) (Item[T], error) {
	var env envelope[T]
	if err := json.Unmarshal(d.Body, &env); err != nil {
		return Item[T]{}, fmt.Errorf("%s: %w", c.spec.Name, err)
	}
	return Item[T]{ID: d.ID, Rev: d.Rev, Doc: env.Doc}, nil
}

// recall reports whether the document remembers the command.
func recall(d *Document, cmd Command) (bool, error) {
	for _, done := range d.Commands {
		if done.ID == cmd.ID {
			if done.Hash != cmd.Hash {
				return false, ErrReused
			}
			return true, nil
		}
	}
	return false, nil
}

// remember adds a command to a copy of the list and drops the oldest.
func remember(list []Done, cmd Command, rev int64) []Done {
	if n := len(list) - (remembered - 1); n > 0 {
		list = list[n:]
	}
	return append(list[:len(list):len(list)], Done{ID: cmd.ID, Rev: rev, Hash: cmd.Hash})
}

// raise sets a lease's epoch in a copy of the map.
func raise(epochs map[string]int64, lease string, epoch int64) map[string]int64 {
	out := make(map[string]int64, len(epochs)+1)
	for k, v := range epochs {
		out[k] = v
	}
	out[lease] = epoch
	return out
}

// pause waits before the next attempt: longer each time, with jitter, at most
// some 50 ms.
func pause(ctx context.Context, try int) error {
	limit := time.Millisecond << min(try, 5)
	t := time.NewTimer(rand.N(limit) + limit/2) //nolint:gosec // spreading attempts needs no secrecy
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Range asks for documents by an index.
type Range struct {
	Index      string // empty: by id
	Prefix     Key
	From, To   Key
	Cursor     string // a page's Next; empty: from the beginning
	Descending bool
	Limit      int // 1 to 1000; 0: 100
}

// Page is one page of a listing.
type Page[T any] struct {
	Items []Item[T]
	Next  string // for Range.Cursor; empty on the last page
}

// Find gives a page of documents by an index. While documents change, one whose
// key changes may be seen twice or not at all; every other one is seen once.
// Errors: [ErrNoIndex], an [fault.Invalid] fault for a malformed cursor.
func (c *Collection[T]) Find(ctx context.Context, r Range) (Page[T], error) {
	if r.Limit <= 0 {
		r.Limit = 100
	}
	r.Limit = min(r.Limit, 1000)
	q := Query{
		Collection: c.spec.Name, Index: r.Index, Prefix: r.Prefix, From: r.From, To: r.To,
		Descending: r.Descending, Limit: r.Limit + 1,
	}
	if r.Cursor != "" {
		key, id, err := parseCursor(r.Cursor)
		if err != nil {
			return Page[T]{}, err
		}
		q.AfterKey, q.AfterID = key, id
	}
	found, err := c.db.Find(ctx, q)
	if err != nil {
		return Page[T]{}, err
	}
	var page Page[T]
	if len(found) > r.Limit {
		last := found[r.Limit-1]
		page.Next = formatCursor(last.Key, last.Doc.ID)
		found = found[:r.Limit]
	}
	page.Items = make([]Item[T], 0, len(found))
	for _, m := range found {
		if m.Doc.Deleted {
			continue
		}
		it, err := c.item(m.Doc)
		if err != nil {
			return Page[T]{}, err
		}
		page.Items = append(page.Items, it)
	}
	return page, nil
}

// Each calls fn for every document of a range, page by page.
func (c *Collection[T]) Each(ctx context.Context, r Range, fn func(Item[T]) error) error {
	for {
		page, err := c.Find(ctx, r)
		if err != nil {
			return err
		}
		for _, it := range page.Items {
			if err := fn(it); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
		r.Cursor = page.Next
	}
}

// One gives the first document of a range. Errors: [ErrNotFound].
func (c *Collection[T]) One(ctx context.Context, r Range) (Item[T], error) {
	r.Limit = 1
	page, err := c.Find(ctx, r)
	if err != nil {
		return Item[T]{}, err
	}
	if len(page.Items) == 0 {
		return Item[T]{}, ErrNotFound
	}
	return page.Items[0], nil
}

// DB gives the store under the collection, for its logs.
func (c *Collection[T]) DB() DB { return c.db }

// Name gives the collection's name.
func (c *Collection[T]) Name() string { return c.spec.Name }

// Audited reports whether changes here leave an audit trail.
func (c *Collection[T]) Audited() bool { return c.spec.Unaudited == "" }

func formatCursor(key Key, id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(string(key) + "\x00" + id))
}

func parseCursor(s string) (Key, string, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	key, id, ok := strings.Cut(string(b), "\x00")
	if err != nil || !ok {
		return "", "", fault.Field("cursor", "this is no cursor of ours", "use next as the page before gave it, or leave it out")
	}
	return Key(key), id, nil
}
