package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"hezuo/fault"
	"hezuo/store"
	"hezuo/store/storetest"
)

// doc is the document of these tests.
type doc struct {
	N int64 `json:"n"`
}

var start = time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)

func command(id string) store.Command { return store.Command{ID: id, Actor: "p", At: start} }

func add(d *doc) ([]store.Entry, error) {
	d.N++
	return []store.Entry{store.Audit("doc.add", "", nil)}, nil
}

func memory() store.DB {
	var m storetest.Memory
	return m.Open("")
}

func openDocs(t *testing.T, db store.DB) *store.Collection[doc] {
	t.Helper()
	c, err := store.Open(t.Context(), db, store.Spec[doc]{Name: "docs", Indexes: []store.Index[doc]{
		{Name: "n", Version: 1, Keys: func(_ string, d *doc) []store.Key { return []store.Key{store.K(d.N)} }},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// contended is a backend that does not serialise its writers: it never calls
// Again, and lets others write first as often as before says.
type contended struct {
	store.DB
	before func(w store.Write) error
}

func (c *contended) Write(ctx context.Context, w store.Write) error {
	if err := c.before(w); err != nil {
		return err
	}
	w.Again = nil
	return c.DB.Write(ctx, w)
}

// TestTriesAgain has others write between reading and writing: an update is made
// anew on what they wrote, until it is through.
func TestTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &contended{DB: memory()}
		plain := openDocs(t, db.DB)
		c := openDocs(t, db)
		others := 0
		db.before = func(store.Write) error {
			if others++; others > 9 {
				return nil
			}
			_, err := plain.Put(t.Context(), "a", command(fmt.Sprint("other", others)), add)
			return err
		}
		calls := 0
		it, err := c.Put(t.Context(), "a", command("mine"), func(d *doc) ([]store.Entry, error) {
			calls++
			return add(d)
		})
		if err != nil || it.Doc.N != 10 || it.Rev != 10 || calls != 10 {
			t.Errorf("%+v after %d calls: %v", it, calls, err)
		}
		// The one that was faster may be this very command, sent twice.
		others = 0
		db.before = func(store.Write) error {
			_, err := plain.Put(t.Context(), "a", command("twice"), add)
			return err
		}
		if it, err = c.Put(t.Context(), "a", command("twice"), add); err != nil || !it.Repeated || it.Doc.N != 11 {
			t.Errorf("sent twice: %+v, %v", it, err)
		}
	})
}

// TestTriesUntilEnd ends the context of an update that never gets through.
func TestTriesUntilEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &contended{DB: memory(), before: func(store.Write) error { return store.ErrConflict }}
		c := openDocs(t, db)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := c.Create(ctx, "a", command("c"), add); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

// TestOutcomeUnknown is not tried again by itself: the caller repeats.
func TestOutcomeUnknown(t *testing.T) {
	db := &contended{DB: memory()}
	c := openDocs(t, db)
	calls := 0
	db.before = func(w store.Write) error {
		if calls++; calls > 1 {
			return nil
		}
		return errors.Join(store.ErrUnknown, db.DB.Write(t.Context(), w))
	}
	if _, err := c.Create(t.Context(), "a", command("c"), add); !errors.Is(err, store.ErrUnknown) || !fault.Is(err, fault.Unknown) {
		t.Error(err)
	}
	it, err := c.Create(t.Context(), "a", command("c"), add)
	if err != nil || !it.Repeated || it.Doc.N != 1 || calls != 1 {
		t.Errorf("%+v after %d calls: %v", it, calls, err)
	}
}

func TestNeedsID(t *testing.T) {
	c := openDocs(t, memory())
	if _, err := c.Create(t.Context(), "", command("c"), add); !fault.Is(err, fault.Internal) {
		t.Error(err)
	}
}

// TestPages walks more documents than the largest page.
func TestPages(t *testing.T) {
	c := openDocs(t, memory())
	const n = 1203
	var want []string
	for i := range n {
		id := fmt.Sprintf("d%04d", i)
		want = append(want, id)
		if _, err := c.Create(t.Context(), id, command("c"), func(d *doc) ([]store.Entry, error) {
			d.N = int64(i)
			return []store.Entry{store.Audit("doc.new", "", nil)}, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	for limit, first := range map[int]int{0: 100, 7: 7, 1000: 1000, 5000: 1000} {
		r := store.Range{Index: "n", Limit: limit}
		page, err := c.Find(t.Context(), r)
		if err != nil || len(page.Items) != first || page.Next == "" {
			t.Fatalf("limit %d: %d documents, %v", limit, len(page.Items), err)
		}
		var got []string
		if err := c.Each(t.Context(), r, func(it store.Item[doc]) error {
			got = append(got, it.ID)
			return nil
		}); err != nil || !slices.Equal(got, want) {
			t.Errorf("limit %d: %d documents in all, %v", limit, len(got), err)
		}
	}
	stop := errors.New("enough")
	calls := 0
	if err := c.Each(t.Context(), store.Range{Limit: 2}, func(store.Item[doc]) error {
		if calls++; calls == 5 {
			return stop
		}
		return nil
	}); !errors.Is(err, stop) || calls != 5 {
		t.Errorf("stopped after %d: %v", calls, err)
	}
	it, err := c.One(t.Context(), store.Range{Index: "n", Descending: true})
	if err != nil || it.Doc.N != n-1 {
		t.Errorf("the last is %+v: %v", it, err)
	}
	if _, err := c.One(t.Context(), store.Range{Index: "n", From: store.K(n)}); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
}
