package sqlite_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"testing"

	"hezuo/store"
	"hezuo/store/sqlite"
)

func rounds(reduced, full int) int {
	if os.Getenv("HEZUO_PROVE") == "full" {
		return full
	}
	return reduced
}

// TestCrash kills a process that writes from many goroutines, at random moments:
// everything that was acknowledged to it is there, and nothing is there by half.
func TestCrash(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var acknowledged []string
	for round := range rounds(5, 40) {
		p := begin(t, "write", fmt.Sprint("r", round), dir)
		p.goOn()
		for range 1 + rand.IntN(150) {
			acknowledged = append(acknowledged, p.next())
		}
		p.signal(syscall.SIGKILL)
		acknowledged = append(acknowledged, p.rest()...)
		survived(t, dir, acknowledged)
	}
	t.Logf("%d writes were acknowledged", len(acknowledged))
}

// survived opens the store and compares it with what was acknowledged.
func survived(t *testing.T, dir string, acknowledged []string) {
	t.Helper()
	db := open(t, dir, sqlite.Options{})
	docs := openDocs(t, db)
	counts, room, feed := numbers(t, db, "counts"), numbers(t, db, "room"), numbers(t, db, "feed")
	for _, line := range acknowledged {
		f := strings.Fields(line)
		switch f[0] {
		case "doc":
			if _, err := docs.Get(t.Context(), f[1]); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		case "count":
			if counts[f[1]] == 0 {
				t.Errorf("%s is lost", line)
			}
		case "room":
			if fmt.Sprint(room[f[1]]) != f[2] {
				t.Errorf("%s has number %d", line, room[f[1]])
			}
		}
	}
	it, err := docs.Get(t.Context(), "counter")
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}
	if int(it.Doc.N) != len(counts) {
		t.Errorf("counted %d, and said so %d times", it.Doc.N, len(counts))
	}
	whole(t, docs, feed)
	check(t, db, docs)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// whole looks whether the documents, their keys and the feed are of each other.
func whole(t *testing.T, docs *store.Collection[doc], feed map[string]int64) {
	t.Helper()
	seen := 0
	err := docs.Each(t.Context(), store.Range{Limit: 500}, func(it store.Item[doc]) error {
		if it.ID == "counter" {
			return nil
		}
		seen++
		if feed[it.ID] == 0 {
			t.Errorf("%s is not in the feed", it.ID)
		}
		one, err := docs.One(t.Context(), store.Range{Index: "code", Prefix: store.K(it.ID)})
		if err != nil || one.ID != it.ID {
			t.Errorf("%s is not found by its code: %v", it.ID, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen != len(feed) {
		t.Errorf("%d documents, %d entries in the feed", seen, len(feed))
	}
	for _, index := range []string{"n", "code"} {
		n := 0
		if err := docs.Each(t.Context(), store.Range{Index: index, Limit: 500}, func(it store.Item[doc]) error {
			if it.ID != "counter" {
				n++
			}
			return nil
		}); err != nil || n != seen {
			t.Errorf("%d of %d documents by %s: %v", n, seen, index, err)
		}
	}
}

func openDocs(t testing.TB, db store.DB) *store.Collection[doc] {
	t.Helper()
	docs, err := store.Open(t.Context(), db, docSpec())
	if err != nil {
		t.Fatal(err)
	}
	return docs
}

// numbers gives a log's numbers by the ids of its records.
func numbers(t testing.TB, db store.DB, log string) map[string]int64 {
	t.Helper()
	out := map[string]int64{}
	for after := int64(0); ; {
		page, err := db.Read(t.Context(), log, after, 500)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page {
			after = r.N
			out[r.ID] = r.N
		}
		if len(page) < 500 {
			return out
		}
	}
}

// check makes the checks of the contract, and SQLite's own.
func check(t testing.TB, db *sqlite.DB, docs *store.Collection[doc]) {
	t.Helper()
	report := &store.Report{}
	if err := store.CheckLogs(t.Context(), db, report); err != nil {
		t.Fatal(err)
	}
	if err := store.CheckTrails(t.Context(), db, []store.Checked{docs}, report); err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		t.Errorf("check: %s: %s: %s", f.Invariant, f.Where, f.What)
	}
	var sound string
	if err := db.Readers().QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&sound); err != nil || sound != "ok" {
		t.Errorf("integrity: %s, %v", sound, err)
	}
}
