package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"hezuo/store"
)

// headed is a store with logs that it does not have.
type headed struct {
	store.DB
	heads []store.LogHead
	err   error
}

func (h *headed) Logs(_ context.Context, _, after string, limit int) ([]store.LogHead, error) {
	var out []store.LogHead
	for _, x := range h.heads {
		if x.Log > after && len(out) < limit {
			out = append(out, x)
		}
	}
	return out, h.err
}

// TestCheckLogs looks at more logs than a page, two of them with gaps.
func TestCheckLogs(t *testing.T) {
	db := &headed{}
	for i := range 2500 {
		db.heads = append(db.heads, store.LogHead{Log: fmt.Sprintf("l%04d", i), Last: 3, Count: 3})
	}
	db.heads[1700].Count = 2
	db.heads[2499].Last = 4
	report := &store.Report{}
	if err := store.CheckLogs(t.Context(), db, report); err != nil {
		t.Fatal(err)
	}
	if len(report.Findings) != 2 || report.Findings[0].Where != "l1700" || report.Findings[1].Where != "l2499" {
		t.Errorf("%+v", report.Findings)
	}
	if report.Counted["logs"] != 2500 || report.Counted["log entries"] != 7499 {
		t.Errorf("%v", report.Counted)
	}
	db.err = errors.New("broken")
	if err := store.CheckLogs(t.Context(), db, report); !errors.Is(err, db.err) {
		t.Error(err)
	}
}

// TestCheckTrails looks at trails longer than a page, and passes over what is
// not audited.
func TestCheckTrails(t *testing.T) {
	db := memory()
	docs := openDocs(t, db)
	const long = 1100
	for i := range long {
		if _, err := docs.Put(t.Context(), "long", command(fmt.Sprint(i)), add); err != nil {
			t.Fatal(err)
		}
	}
	cursors, err := store.Open(t.Context(), db, store.Spec[doc]{Name: "free", Unaudited: "a test"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cursors.Put(t.Context(), "a", command("c"), func(d *doc) ([]store.Entry, error) { d.N++; return nil, nil }); err != nil {
		t.Fatal(err)
	}
	report := &store.Report{}
	if err := store.CheckTrails(t.Context(), db, []store.Checked{docs, cursors}, report); err != nil {
		t.Fatal(err)
	}
	if len(report.Findings) != 0 || report.Counted["docs"] != 1 || report.Counted["free"] != 0 {
		t.Errorf("%+v", report)
	}
}
