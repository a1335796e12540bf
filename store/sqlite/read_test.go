package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"hezuo/store"
	"hezuo/store/sqlite"
)

func logger(l lines) *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// TestCancelledReads ends contexts in the middle of reads: the answers are right
// or the context's error, and the connections stay of use.
func TestCancelledReads(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir(), sqlite.Options{Readers: 4})
	docs := openDocs(t, db)
	const n = 200
	populate(t, docs, n)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range rounds(100, 1000) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.N(int64(2*time.Millisecond))))
				page, err := docs.Find(ctx, store.Range{Index: "n", Limit: n})
				cancel()
				if err != nil && !errors.Is(err, context.DeadlineExceeded) || err == nil && len(page.Items) != n {
					t.Errorf("%d documents, %v", len(page.Items), err)
				}
				if i%10 == w {
					if _, err := docs.Get(t.Context(), "d007"); err != nil {
						t.Errorf("get: %v", err)
					}
				}
			}
		})
	}
	wg.Wait()
	if got := found(t, docs, "n"); got != n {
		t.Errorf("%d documents", got)
	}
	if stats := db.Readers().Stats(); stats.InUse != 0 {
		t.Errorf("%d connections are still in use", stats.InUse)
	}
}

// TestPlans asks SQLite how it answers the queries behind Find: by an index from
// bound to bound, without sorting.
func TestPlans(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir(), sqlite.Options{})
	for name, text := range sqlite.Queries {
		rows, err := db.Readers().QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+text, make([]any, strings.Count(text, "?"))...)
		if err != nil {
			t.Fatal(err)
		}
		var plan []string
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			plan = append(plan, detail)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
		all := strings.Join(plan, "; ")
		first := strings.Split(all, ";")[0]
		if strings.Contains(all, "SCAN") || strings.Contains(all, "TEMP") || !strings.Contains(first, ">") || !strings.Contains(first, "<") {
			t.Errorf("%s: %s", name, all)
		}
	}
}

// TestGapIsFound takes a record out of a log behind the store's back.
func TestGapIsFound(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir(), sqlite.Options{})
	docs := openDocs(t, db)
	populate(t, docs, 5)
	if err := db.InWriter("DELETE FROM entries WHERE n = 3"); err != nil {
		t.Fatal(err)
	}
	report := &store.Report{}
	if err := store.CheckLogs(t.Context(), db, report); err != nil {
		t.Fatal(err)
	}
	if len(report.Findings) != 1 || report.Findings[0].Where != "feed" {
		t.Errorf("found: %v", report.Findings)
	}
	if err := db.InWriter("UPDATE documents SET body = replace(body, '\"n\":2', '\"n\":7') WHERE id = 'd002'"); err != nil {
		t.Fatal(err)
	}
	report = &store.Report{}
	if err := store.CheckTrails(t.Context(), db, []store.Checked{docs}, report); err != nil {
		t.Fatal(err)
	}
	if len(report.Findings) != 1 || report.Findings[0].Where != "docs/d002" {
		t.Errorf("found: %v", report.Findings)
	}
}

// TestPublished hears of every log that grew, after it grew, and is not in the
// writer's way.
func TestPublished(t *testing.T) {
	t.Parallel()
	type told struct {
		log string
		n   int64
	}
	heard := make(chan told)
	hold := make(chan struct{})
	db := open(t, t.TempDir(), sqlite.Options{Published: func(log string, n int64) {
		<-hold
		heard <- told{log, n}
	}})
	docs := openDocs(t, db)
	populate(t, docs, 20) // nobody listens yet
	if _, err := docs.Create(t.Context(), "refused", command("c"), set(doc{Code: "3"}, "refused", "")); !errors.Is(err, store.ErrDuplicate) {
		t.Fatal(err)
	}
	if _, err := db.Append(t.Context(), store.Entry{Log: "sealed", ID: "1", At: start, Seal: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := docs.Put(t.Context(), "refused", command("c"), func(*doc) ([]store.Entry, error) {
		return []store.Entry{store.Audit("a", "", nil), {Log: "refused", Kind: "k"}, {Log: "sealed", Kind: "k"}}, nil
	}); !errors.Is(err, store.ErrSealed) {
		t.Fatal(err)
	}
	if _, err := db.Append(t.Context(), store.Entry{Log: "feed", ID: "3", At: start}); err != nil { // it is there
		t.Fatal(err)
	}
	if _, err := db.Append(t.Context(), store.Entry{Log: "last", ID: "1", At: start}); err != nil {
		t.Fatal(err)
	}
	close(hold)
	highest := map[string]int64{}
	for highest["last"] == 0 || highest["feed"] < 20 || len(highest) < 23 {
		h := <-heard
		if h.n <= highest[h.log] {
			t.Errorf("%s is told at %d after %d", h.log, h.n, highest[h.log])
		}
		highest[h.log] = h.n
		if got := numbers(t, db, h.log); int64(len(got)) < h.n {
			t.Errorf("%s is told at %d and has %d", h.log, h.n, len(got))
		}
	}
	if highest["feed"] != 20 || highest["refused"] != 0 {
		t.Errorf("told: %v", highest)
	}
}

// TestGarbled reads a row that cannot be read.
func TestGarbled(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir(), sqlite.Options{})
	docs := openDocs(t, db)
	populate(t, docs, 2)
	if err := db.InWriter("UPDATE documents SET meta = x'01ff', keys = x'0105' WHERE id = 'd001'"); err != nil {
		t.Fatal(err)
	}
	if _, err := docs.Get(t.Context(), "d001"); err == nil || errors.Is(err, sql.ErrNoRows) {
		t.Errorf("get: %v", err)
	}
	if _, err := docs.Update(t.Context(), "d001", command("u"), count("l", "")); err == nil {
		t.Error("updated")
	}
	if _, err := docs.Update(t.Context(), "d000", command("u"), count("l", "")); err != nil {
		t.Errorf("another document: %v", err)
	}
}
