package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"hezuo/store"
)

// benchDoc is a document of the size of a job.
type benchDoc struct {
	Market string    `json:"market"`
	Trade  string    `json:"trade"`
	Opened time.Time `json:"opened"`
	Text   string    `json:"text"`
}

const filler = "杨梅采摘，每日八小时，包午餐，住宿自理；需带手套。"

func openBench(b *testing.B, opts Options) *store.Collection[benchDoc] {
	b.Helper()
	opts.Path = filepath.Join(b.TempDir(), "bench.db")
	db, err := Open(b.Context(), opts)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	c, err := store.Open(b.Context(), db, store.Spec[benchDoc]{
		Name: "jobs",
		Indexes: []store.Index[benchDoc]{
			{Name: "open", Version: 1, Keys: func(id string, d *benchDoc) []store.Key { return []store.Key{store.K(d.Market, d.Opened)} }},
			{Name: "trade", Version: 1, Keys: func(id string, d *benchDoc) []store.Key { return []store.Key{store.K(d.Trade, d.Market)} }},
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	return c
}

var benchStart = time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)

func insert(ctx context.Context, c *store.Collection[benchDoc], i int64) error {
	id := fmt.Sprintf("job-%012d", i*7919%1000003)
	cmd := store.Command{ID: "post/" + id, Actor: "person-1", From: "bench", At: benchStart}
	_, err := c.Create(ctx, id, cmd, func(d *benchDoc) ([]store.Entry, error) {
		*d = benchDoc{Market: "rongjiang", Trade: fmt.Sprintf("trade-%d", i%7), Opened: benchStart.Add(time.Duration(i) * time.Second), Text: filler + filler}
		return []store.Entry{
			store.Audit("job.open", "", nil),
			{Log: "feed/rongjiang", Kind: "job.open", Body: json.RawMessage(`{"job":"` + id + `"}`)},
		}, nil
	})
	return err
}

// BenchmarkInsert creates documents with two keys and two entries each: one
// transaction a document with naive, groups otherwise.
func BenchmarkInsert(b *testing.B) {
	for _, run := range []struct {
		name     string
		callers  int
		maxGroup int
	}{{"naive/64", 64, 1}, {"group/1", 1, 0}, {"group/16", 16, 0}, {"group/64", 64, 0}} {
		b.Run(run.name, func(b *testing.B) {
			c := openBench(b, Options{MaxGroup: run.maxGroup})
			var next atomic.Int64
			done := make(chan error, run.callers)
			b.ResetTimer()
			for range run.callers {
				go func() {
					for {
						i := next.Add(1)
						if i > int64(b.N) {
							done <- nil
							return
						}
						if err := insert(b.Context(), c, i); err != nil {
							done <- err
							return
						}
					}
				}()
			}
			for range run.callers {
				if err := <-done; err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "docs/s")
		})
	}
}

func fillBench(b *testing.B, c *store.Collection[benchDoc], n int64) {
	b.Helper()
	errs := make(chan error, 64)
	var next atomic.Int64
	for range cap(errs) {
		go func() {
			for i := next.Add(1); i <= n; i = next.Add(1) {
				if err := insert(b.Context(), c, i); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGet reads single documents among 20,000.
func BenchmarkGet(b *testing.B) {
	c := openBench(b, Options{})
	fillBench(b, c, 20000)
	b.ResetTimer()
	for i := range b.N {
		id := fmt.Sprintf("job-%012d", (int64(i)%20000+1)*7919%1000003)
		if _, err := c.Get(b.Context(), id); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFind50 reads pages of 50 documents among 20,000.
func BenchmarkFind50(b *testing.B) {
	c := openBench(b, Options{})
	fillBench(b, c, 20000)
	b.ResetTimer()
	for i := range b.N {
		page, err := c.Find(b.Context(), store.Range{
			Index: "open", Prefix: store.K("rongjiang"),
			From: store.K("rongjiang", benchStart.Add(time.Duration(i%19000)*time.Second)), Limit: 50,
		})
		if err != nil || len(page.Items) != 50 {
			b.Fatal(len(page.Items), err)
		}
	}
}
