package sqlite_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"hezuo/fault"
	"hezuo/store"
	"hezuo/store/sqlite"
)

// version is the collection docs with another version of its index n.
func version(v int) store.Spec[doc] {
	spec := docSpec()
	spec.Indexes[0].Version = v
	spec.Indexes[0].Keys = func(_ string, d *doc) []store.Key { return []store.Key{store.K("v", v, d.N)} }
	return spec
}

func openVersion(t *testing.T, db store.DB, v int) *store.Collection[doc] {
	t.Helper()
	docs, err := store.Open(t.Context(), db, version(v))
	if err != nil {
		t.Fatal(err)
	}
	return docs
}

func populate(t *testing.T, docs *store.Collection[doc], n int) {
	t.Helper()
	done := make(chan error, n)
	for i := range n {
		go func() {
			_, err := docs.Create(t.Context(), fmt.Sprintf("d%03d", i), command("c"), set(doc{N: int64(i), Code: fmt.Sprint(i)}, "feed", fmt.Sprint(i)))
			done <- err
		}()
	}
	for range n {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

func found(t *testing.T, docs *store.Collection[doc], index string) int {
	t.Helper()
	n := 0
	if err := docs.Each(t.Context(), store.Range{Index: index, Limit: 100}, func(it store.Item[doc]) error {
		n++
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// number reads one number from the file.
func number(t *testing.T, db *sqlite.DB, query string) (n int) {
	t.Helper()
	if err := db.Readers().QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestOlderProgram has a newer program define an index anew beside this one:
// this one's writes, and its reads by that index, are refused from then on.
func TestOlderProgram(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	older := open(t, dir, sqlite.Options{})
	docs := openVersion(t, older, 1)
	populate(t, docs, 30)
	newer := open(t, dir, sqlite.Options{})
	same := open(t, dir, sqlite.Options{})
	anew := openVersion(t, newer, 2)
	openVersion(t, same, 2)

	_, err := docs.Update(t.Context(), "d001", command("u"), count("feed", ""))
	if !errors.Is(err, store.ErrOutdated) {
		t.Errorf("update: %v", err)
	}
	if _, err := docs.Find(t.Context(), store.Range{Index: "n"}); !errors.Is(err, store.ErrOutdated) {
		t.Errorf("find by the index: %v", err)
	}
	if err := older.Ready(t.Context()); !errors.Is(err, store.ErrOutdated) {
		t.Errorf("ready: %v", err)
	}
	if n := found(t, docs, "code"); n != 30 {
		t.Errorf("%d by an index that did not change", n)
	}
	if _, err := docs.Get(t.Context(), "d001"); err != nil {
		t.Errorf("get: %v", err)
	}
	if _, err := older.Append(t.Context(), store.Entry{Log: "l", ID: "1", At: start}); err != nil {
		t.Errorf("append: %v", err)
	}
	if _, err := store.OpenCursors(t.Context(), older); err != nil {
		t.Errorf("another collection: %v", err)
	}
	if _, err := anew.Update(t.Context(), "d001", command("u"), count("feed", "")); err != nil {
		t.Errorf("the newer program's update: %v", err)
	}
	if n := found(t, anew, "n"); n != 30 {
		t.Errorf("%d by the new version", n)
	}
	if err := same.Ready(t.Context()); err != nil {
		t.Errorf("another newer program: %v", err)
	}
	newer.WaitBackground()
	if rest := number(t, newer, "SELECT count(*) FROM keys WHERE ix IN (SELECT ix FROM indexes WHERE name = 'n' AND version = 1)"); rest != 0 {
		t.Errorf("%d keys of the old version are left", rest)
	}
	restarted := open(t, dir, sqlite.Options{})
	if _, err := store.Open(t.Context(), restarted, version(1)); !errors.Is(err, store.ErrOutdated) {
		t.Errorf("the older program starts again: %v", err)
	}
	spec := version(3)
	spec.Indexes = spec.Indexes[1:] // without the index
	if _, err := store.Open(t.Context(), restarted, spec); err != nil {
		t.Errorf("a third program: %v", err)
	}
	if _, err := anew.Find(t.Context(), store.Range{Index: "n"}); !errors.Is(err, store.ErrOutdated) {
		t.Errorf("find by an index that was dropped: %v", err)
	}
	check(t, newer, anew)
}

// TestDefinitions has programs start in every order: the one whose definition
// another has followed is the older one, and so is one with a lower version.
func TestDefinitions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	index := func(name string, version int) store.IndexDef {
		return store.IndexDef{Name: name, Version: version, Keys: func(json.RawMessage) ([]store.Key, error) { return nil, nil }}
	}
	unique := index("b", 1)
	unique.Unique = true
	for i, c := range []struct {
		indexes []store.IndexDef
		want    error
	}{
		{nil, nil},
		{[]store.IndexDef{index("a", 1)}, nil},
		{nil, store.ErrOutdated},
		{[]store.IndexDef{index("b", 1), index("a", 1)}, nil},
		{[]store.IndexDef{index("a", 1), index("b", 1)}, nil}, // the same
		{[]store.IndexDef{index("a", 1)}, store.ErrOutdated},
		{[]store.IndexDef{index("a", 1), unique}, errAny}, // needs a version
		{[]store.IndexDef{index("a", 3)}, nil},            // without b
		{[]store.IndexDef{index("a", 1), index("b", 1)}, store.ErrOutdated},
		{[]store.IndexDef{index("a", 2)}, store.ErrOutdated},  // never seen, but lower
		{[]store.IndexDef{index("a", 3), index("b", 1)}, nil}, // b again
		{[]store.IndexDef{index("a", 3)}, store.ErrOutdated},
	} {
		db := open(t, dir, sqlite.Options{})
		err := db.Define(t.Context(), store.Definition{Collection: "c", Indexes: c.indexes})
		right := errors.Is(err, c.want)
		if errors.Is(c.want, errAny) {
			right = err != nil
		}
		if !right {
			t.Errorf("program %d: %v", i, err)
		}
		if err == nil {
			for _, ix := range c.indexes {
				if _, err := db.Find(t.Context(), store.Query{Collection: "c", Index: ix.Name, Limit: 1}); err != nil {
					t.Errorf("program %d: %v", i, err)
				}
			}
		}
		if i == 5 { // two definitions in one program
			if err := db.Define(t.Context(), store.Definition{Collection: "d"}); err != nil {
				t.Error(err)
			}
			if err := db.Define(t.Context(), store.Definition{Collection: "d", Indexes: c.indexes}); !fault.Is(err, fault.Internal) {
				t.Errorf("defined otherwise: %v", err)
			}
		}
		must(t, db.Close())
	}
}
