package sqlite_test

import (
	"encoding/json"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"hezuo/fault"
	"hezuo/store"
	"hezuo/store/sqlite"
)

// TestFillingResumes closes a store in the middle of filling an index, and opens
// it again: filling goes on from where it was.
func TestFillingResumes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const n = 80
	db := open(t, dir, sqlite.Options{})
	populate(t, openVersion(t, db, 1), n)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	commits, some, on := 0, make(chan struct{}), make(chan struct{})
	db = open(t, dir, sqlite.Options{}.WithFilling(1, time.Millisecond).WithCommit(func(commit func() error) error {
		if commits++; commits == 15 {
			close(some)
			<-on
		}
		if commits%4 == 0 {
			return errors.New("a crash")
		}
		return commit()
	}))
	openVersion(t, db, 2)
	<-some
	if err := db.Ready(t.Context()); !fault.Is(err, fault.Unavailable) {
		t.Errorf("ready while filling: %v", err)
	}
	closed := make(chan error)
	go func() { closed <- db.Close() }()
	for {
		if _, err := db.Read(t.Context(), "l", 0, 1); errors.Is(err, store.ErrClosed) {
			break
		}
		runtime.Gosched()
	}
	close(on)
	must(t, <-closed)
	db = open(t, dir, sqlite.Options{}.WithFilling(7, time.Millisecond))
	if at := number(t, db, "SELECT count(*) FROM indexes WHERE version = 2 AND state = 0 AND cursor > ''"); at != 1 {
		t.Error("filling did not stop in the middle")
	}
	docs := openVersion(t, db, 2)
	if got := found(t, docs, "n"); got != n {
		t.Errorf("%d of %d by the new version", got, n)
	}
	if err := db.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	check(t, db, docs)
}

// TestFillingBlocked adds a unique index where two documents have one key: the
// store says so and can be written, and the index is there when one has changed.
func TestFillingBlocked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bare := docSpec()
	bare.Indexes = nil
	db := open(t, dir, sqlite.Options{})
	docs, err := store.Open(t.Context(), db, bare)
	if err != nil {
		t.Fatal(err)
	}
	for id, code := range map[string]string{"a": "x", "b": "y", "c": "y", "d": "z"} {
		if _, err := docs.Create(t.Context(), id, command("c"), set(doc{Code: code}, "feed", id)); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	log := make(lines, 100)
	db = open(t, dir, sqlite.Options{Logger: logger(log)}.WithFilling(2, time.Millisecond))
	docs = openDocs(t, db)
	for line := range log {
		if strings.Contains(line, "b and c") || strings.Contains(line, "c and b") {
			break
		}
	}
	found(t, docs, "n") // which is filled too
	if err := db.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "index code of docs") {
		t.Errorf("ready: %v", err)
	}
	if _, err := docs.Create(t.Context(), "e", command("c"), set(doc{Code: "y"}, "feed", "e")); !errors.Is(err, store.ErrDuplicate) {
		t.Errorf("a third holder: %v", err)
	}
	if _, err := docs.Update(t.Context(), "c", command("u"), set(doc{Code: "w"}, "feed", "c2")); err != nil {
		t.Errorf("a change that resolves it: %v", err)
	}
	if n := found(t, docs, "code"); n != 4 {
		t.Errorf("%d by their code", n)
	}
	if err := db.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	check(t, db, docs)
}

// TestFillingAllOrNone fills a unique index with several keys a document: one
// that cannot have all of them has none, and blocks nobody's.
func TestFillingAllOrNone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	spec := store.Spec[[]string]{Name: "tags"}
	db := open(t, dir, sqlite.Options{})
	c, err := store.Open(t.Context(), db, spec)
	must(t, err)
	put := func(id string, tags ...string) error {
		_, err := c.Put(t.Context(), id, command("%v", tags), func(d *[]string) ([]store.Entry, error) {
			*d = tags
			return []store.Entry{store.Audit("tag", "", nil)}, nil
		})
		return err
	}
	must(t, put("a", "x", "y"))
	must(t, put("b", "v", "w", "y"))
	must(t, db.Close())
	log := make(lines, 100)
	db = open(t, dir, sqlite.Options{Logger: logger(log)}.WithFilling(2, time.Millisecond))
	spec.Indexes = []store.Index[[]string]{{Name: "tag", Version: 1, Unique: true, Keys: func(_ string, d *[]string) (keys []store.Key) {
		for _, tag := range *d {
			keys = append(keys, store.K(tag))
		}
		return keys
	}}}
	c, err = store.Open(t.Context(), db, spec)
	must(t, err)
	if line := <-log; !strings.Contains(line, "same key") {
		t.Error(line)
	}
	must(t, put("c", "v"))
	if err := put("d", "x"); !errors.Is(err, store.ErrDuplicate) {
		t.Error(err)
	}
	must(t, put("b", "w"))
	page, err := c.Find(t.Context(), store.Range{Index: "tag"})
	if err != nil || len(page.Items) != 4 {
		t.Errorf("%+v, %v", page.Items, err)
	}
}

// TestFillingBadKeys has the function that gives the keys fail and panic.
func TestFillingBadKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, dir, sqlite.Options{})
	populate(t, openVersion(t, db, 1), 3)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	log := make(lines, 100)
	db = open(t, dir, sqlite.Options{Logger: logger(log)}.WithFilling(2, time.Millisecond))
	calls := map[string]int{}
	err := db.Define(t.Context(), store.Definition{Collection: "docs", Indexes: []store.IndexDef{{
		Name: "n", Version: 2,
		Keys: func(body json.RawMessage) ([]store.Key, error) {
			switch calls[string(body)]++; calls[string(body)] {
			case 1:
				return nil, errors.New("not this one")
			case 2:
				panic("a defect")
			}
			return []store.Key{store.K(string(body))}, nil
		},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if line := <-log; !strings.Contains(line, "not this one") {
		t.Error(line)
	}
	found, err := db.Find(t.Context(), store.Query{Collection: "docs", Index: "n", Limit: 10})
	if err != nil || len(found) != 3 {
		t.Errorf("%d found: %v", len(found), err)
	}
}
