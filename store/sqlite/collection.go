package sqlite

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"sync"
	"sync/atomic"

	"hezuo/fault"
	"hezuo/store"
)

// collection is a collection as this process defined it. Only outdated and the
// states of its indexes change.
type collection struct {
	name        string
	c           int64
	fingerprint string
	indexes     []*index
	// outdated is set once another process has defined the collection in a way
	// that this one does not know: what it would write would miss keys.
	outdated atomic.Bool
}

// fingerprint names a definition: programs with the same one keep the same keys.
func fingerprint(d store.Definition) string {
	parts := make([]string, len(d.Indexes))
	for i, ix := range d.Indexes {
		parts[i] = fmt.Sprintf("%s:%d:%t", ix.Name, ix.Version, ix.Unique)
	}
	sort.Strings(parts)
	return strings.Join(parts, " ")
}

func (c *collection) index(name string) *index {
	for _, ix := range c.indexes {
		if ix.def.Name == name {
			return ix
		}
	}
	return nil
}

func (c *collection) byNumber(ix int64) *index {
	for _, x := range c.indexes {
		if x.ix == ix {
			return x
		}
	}
	return nil
}

func (c *collection) keeps(ix int64) bool { return c.byNumber(ix) != nil }

func (c *collection) unique(ix int64) bool { return c.byNumber(ix).def.Unique }

func (c *collection) indexName(ix int64) string { return c.byNumber(ix).def.Name }

// heldKeys are the keys that a write gives its document, each once.
func (c *collection) heldKeys(w *store.Write) ([]heldKey, error) {
	if w.Doc == nil || w.Doc.Deleted {
		return nil, nil
	}
	var out []heldKey
	for _, ks := range w.Keys {
		ix := c.index(ks.Index)
		if ix == nil {
			return nil, fmt.Errorf("write keys of %s in %s: %w", ks.Index, c.name, store.ErrNoIndex)
		}
		out = ix.held(out, ks.Keys)
	}
	return out, nil
}

// writable waits until every unique index knows the keys of all documents: until
// then nobody can say whether a key is free.
func (db *DB) writable(ctx context.Context, c *collection) error {
	for _, ix := range c.indexes {
		if ix.def.Unique {
			if err := db.await(ctx, ix.passed); err != nil {
				return err
			}
		}
	}
	return nil
}

// await waits for a channel to be closed.
func (db *DB) await(ctx context.Context, ch <-chan struct{}) error {
	select {
	case <-ch:
		return nil
	default:
	}
	select {
	case <-ch:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-db.ctx.Done():
		return store.ErrClosed
	}
}

// The states of an index in the file.
const (
	building = iota // its documents are being given their keys
	blocked         // all were tried, and some could not; problem says why
	ready
	removed // a newer definition has another version, or none
	cleared // removed, and its keys too
)

// index is one version of one index.
type index struct {
	ix     int64
	def    store.IndexDef
	passed chan struct{} // closed when it is building no more
	ready  chan struct{} // closed when it is ready or removed
	state  atomic.Int32

	mu      sync.Mutex
	problem string // while blocked
}

func newIndex(ix int64, def store.IndexDef, state int) *index {
	x := &index{ix: ix, def: def, passed: make(chan struct{}), ready: make(chan struct{})}
	x.become(state, "")
	return x
}

// become follows the index's state in the file. One goroutine calls it.
func (x *index) become(state int, problem string) {
	x.mu.Lock()
	x.problem = problem
	x.mu.Unlock()
	was := x.state.Swap(int32(state)) //nolint:gosec // one of five
	if state != building && (was == building) {
		close(x.passed)
	}
	if state >= ready && was < ready {
		close(x.ready)
	}
}

// held adds keys of this index to a list, each once.
func (x *index) held(list []heldKey, keys []store.Key) []heldKey {
	for _, k := range keys {
		if h := (heldKey{x.ix, k}); !contains(list, h) {
			list = append(list, h)
		}
	}
	return list
}

// waits says what the index waits for; nil when it is ready.
func (x *index) waits(collection string) error {
	switch x.state.Load() {
	case building:
		return fault.New(fault.Unavailable, "index %s of %s is being filled", x.def.Name, collection)
	case blocked:
		x.mu.Lock()
		defer x.mu.Unlock()
		return fault.New(fault.Unavailable, "index %s of %s cannot be filled: %s", x.def.Name, collection, x.problem)
	}
	return nil
}

// collection gives a collection that was defined.
func (db *DB) collection(name string) (*collection, error) {
	if db.closed.Load() {
		return nil, store.ErrClosed
	}
	db.mu.RLock()
	defer db.mu.RUnlock()
	c := db.collections[name]
	if c == nil {
		return nil, fault.New(fault.Internal, "the collection %s was not defined", name)
	}
	return c, nil
}

// inForce hears which definition of a collection is in force.
func (db *DB) inForce(name, fingerprint string) {
	db.mu.RLock()
	defer db.mu.RUnlock()
	c := db.collections[name]
	if c != nil && c.fingerprint != fingerprint && !c.outdated.Swap(true) {
		db.opts.Logger.Error("a newer program has defined a collection anew; this one cannot write it any more",
			"store", db.opts.Path, "collection", name)
	}
}
