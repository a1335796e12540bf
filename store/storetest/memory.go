package storetest

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"

	"hezuo/store"
)

// Memory is the contract in its plainest form: maps under one mutex. It is what
// the model test compares a backend with, and proves the suite itself. It keeps
// nothing when the program ends. The zero value is ready.
type Memory struct {
	mu   sync.Mutex
	dirs map[string]*memory
}

// Open gives the store of a name; every handle of one name shares its data.
func (m *Memory) Open(dir string) store.DB {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dirs == nil {
		m.dirs = map[string]*memory{}
	}
	if m.dirs[dir] == nil {
		m.dirs[dir] = &memory{docs: map[string]map[string]*held{}, logs: map[string]*memoryLog{}, defs: map[string][]store.Definition{}}
	}
	return &handle{memory: m.dirs[dir], defined: map[string]string{}}
}

// memory is the data.
type memory struct {
	mu   sync.Mutex
	docs map[string]map[string]*held // by collection and id
	logs map[string]*memoryLog
	defs map[string][]store.Definition // of each collection, the last one is in force
}

// held is a document with its keys by index.
type held struct {
	doc  store.Document
	keys map[string][]store.Key
}

// handle is a store as one process has it open.
type handle struct {
	*memory
	defined map[string]string // fingerprint by collection
	closed  bool
}

var _ store.DB = (*handle)(nil)

// enter takes the lock, unless the call is over before it began.
func (h *handle) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return store.ErrClosed
	}
	return nil
}

func mark(d store.Definition) string {
	var parts []string
	for _, ix := range d.Indexes {
		parts = append(parts, fmt.Sprintf("%s:%d", ix.Name, ix.Version))
	}
	sort.Strings(parts)
	return strings.Join(parts, " ")
}

func (h *handle) Define(ctx context.Context, d store.Definition) error {
	if err := h.enter(ctx); err != nil {
		return err
	}
	defer h.mu.Unlock()
	defs := h.defs[d.Collection]
	at := slices.IndexFunc(defs, func(x store.Definition) bool { return mark(x) == mark(d) })
	switch {
	case at >= 0 && at < len(defs)-1:
		return store.ErrOutdated
	case at < 0:
		h.defs[d.Collection] = append(defs, d)
		for _, x := range h.docs[d.Collection] {
			if err := x.index(d); err != nil {
				return err
			}
		}
	}
	h.defined[d.Collection] = mark(d)
	return nil
}

// index computes a document's keys anew.
func (x *held) index(d store.Definition) error {
	x.keys = map[string][]store.Key{}
	if x.doc.Deleted {
		return nil
	}
	for _, ix := range d.Indexes {
		keys, err := ix.Keys(x.doc.Body)
		if err != nil {
			return err
		}
		x.keys[ix.Name] = keys
	}
	return nil
}

// current reports whether this handle's definition of a collection is in force.
func (h *handle) current(collection string) bool {
	defs := h.defs[collection]
	return len(defs) > 0 && mark(defs[len(defs)-1]) == h.defined[collection]
}

func clone(d *store.Document) *store.Document {
	c := *d
	c.Body = slices.Clone(d.Body)
	return &c
}

func (h *handle) Get(ctx context.Context, collection, id string) (*store.Document, error) {
	if err := h.enter(ctx); err != nil {
		return nil, err
	}
	defer h.mu.Unlock()
	if x := h.docs[collection][id]; x != nil {
		return clone(&x.doc), nil
	}
	return nil, store.ErrNotFound
}

func (h *handle) Find(ctx context.Context, q store.Query) ([]store.Match, error) {
	if err := h.enter(ctx); err != nil {
		return nil, err
	}
	defer h.mu.Unlock()
	known := q.Index == ""
	for _, name := range strings.Fields(h.defined[q.Collection]) {
		known = known || strings.HasPrefix(name, q.Index+":")
	}
	switch {
	case !known:
		return nil, store.ErrNoIndex
	case q.Index != "" && !h.current(q.Collection):
		return nil, store.ErrOutdated
	}
	var all []store.Match
	for id, x := range h.docs[q.Collection] {
		keys := x.keys[q.Index]
		if q.Index == "" {
			keys = []store.Key{store.Key(id)}
		}
		keys = slices.Clone(keys)
		slices.Sort(keys)
		for _, k := range slices.Compact(keys) {
			if has(q, k, id) {
				all = append(all, store.Match{Key: k, Doc: clone(&x.doc)})
			}
		}
	}
	sort.Slice(all, func(i, j int) bool {
		return before(all[i].Key, all[i].Doc.ID, all[j].Key, all[j].Doc.ID) != q.Descending
	})
	return all[:min(len(all), q.Limit)], nil
}

func before(k store.Key, id string, k2 store.Key, id2 string) bool {
	return k < k2 || k == k2 && id < id2
}

// has reports whether a key lies in a query's range.
func has(q store.Query, k store.Key, id string) bool {
	from, to := q.Bounds()
	if k < from || to != "" && k >= to {
		return false
	}
	if q.AfterID == "" {
		return true
	}
	if q.Descending {
		return before(k, id, q.AfterKey, q.AfterID)
	}
	return before(q.AfterKey, q.AfterID, k, id)
}

func (h *handle) Write(ctx context.Context, w store.Write) error {
	if err := h.enter(ctx); err != nil {
		return err
	}
	defer h.mu.Unlock()
	if !h.current(w.Collection) {
		return store.ErrOutdated
	}
	x := h.docs[w.Collection][w.ID]
	var rev int64
	var current *store.Document
	if x != nil {
		rev, current = x.doc.Rev, clone(&x.doc)
	}
	if rev != w.Expect {
		if w.Again == nil {
			return store.ErrConflict
		}
		next, err := w.Again(current)
		if err != nil || next == nil {
			return err
		}
		w = *next
	}
	if err := h.allowed(w); err != nil {
		return err
	}
	if h.docs[w.Collection] == nil {
		h.docs[w.Collection] = map[string]*held{}
	}
	if w.Doc == nil {
		delete(h.docs[w.Collection], w.ID)
	} else {
		keys := map[string][]store.Key{}
		for _, ks := range w.Keys {
			keys[ks.Index] = ks.Keys
		}
		h.docs[w.Collection][w.ID] = &held{doc: *clone(w.Doc), keys: keys}
	}
	for _, e := range w.Entries {
		h.add(e)
	}
	return nil
}

// allowed looks for what stands against a write before any of it is done.
func (h *handle) allowed(w store.Write) error {
	for _, ks := range w.Keys {
		if !ks.Unique {
			continue
		}
		for id, x := range h.docs[w.Collection] {
			for _, k := range x.keys[ks.Index] {
				if id != w.ID && slices.Contains(ks.Keys, k) {
					return store.ErrDuplicate
				}
			}
		}
	}
	coming, sealing := map[[2]string]bool{}, map[string]bool{}
	for _, e := range w.Entries {
		at := [2]string{e.Log, e.ID}
		if coming[at] || h.number(e) > 0 {
			continue // it is there, or will be
		}
		if h.sealed(e.Log) || sealing[e.Log] {
			return store.ErrSealed
		}
		coming[at], sealing[e.Log] = true, e.Seal
	}
	return nil
}

func (h *handle) Ready(ctx context.Context) error {
	if err := h.enter(ctx); err != nil {
		return err
	}
	h.mu.Unlock()
	return nil
}

func (h *handle) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	return nil
}
