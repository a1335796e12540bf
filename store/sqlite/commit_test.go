package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"hezuo/fault"
	"hezuo/store"
	"hezuo/store/sqlite"
)

// gate stands in front of every COMMIT while it is shut.
type gate struct {
	mu      sync.Mutex
	inside  chan struct{} // gets a value when a commit has come to the gate
	open    chan struct{} // gets a value to let it go on
	shut    bool
	instead func(commit func() error) error
}

func newGate() *gate { return &gate{inside: make(chan struct{}), open: make(chan struct{})} }

func (g *gate) set(shut bool, instead func(func() error) error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut, g.instead = shut, instead
}

func (g *gate) commit(commit func() error) error {
	g.mu.Lock()
	shut, instead := g.shut, g.instead
	g.mu.Unlock()
	if shut {
		g.inside <- struct{}{}
		<-g.open
	}
	if instead != nil {
		return instead(commit)
	}
	return commit()
}

// waitQueued waits until n callers wait for the writer.
func waitQueued(db *sqlite.DB, n int) {
	for db.Queued() < n {
		runtime.Gosched()
	}
}

func gated(t *testing.T, opts sqlite.Options) (*sqlite.DB, *store.Collection[doc], *gate) {
	t.Helper()
	g := newGate()
	db := open(t, t.TempDir(), opts.WithCommit(g.commit))
	return db, openDocs(t, db), g
}

// TestContextEndsInCommit ends a caller's context while its group is being
// committed: the outcome is unknown, and a repeat finds out.
func TestContextEndsInCommit(t *testing.T) {
	t.Parallel()
	db, docs, g := gated(t, sqlite.Options{})
	g.set(true, nil)
	ctx, cancel := context.WithCancel(t.Context())
	created, appended := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := docs.Create(ctx, "a", command("c"), set(doc{N: 1}, "feed", "a"))
		created <- err
	}()
	<-g.inside
	go func() {
		_, err := db.Append(ctx, store.Entry{Log: "l", ID: "1", At: start})
		appended <- err
	}()
	waitQueued(db, 1)
	cancel()
	if err := <-created; !errors.Is(err, store.ErrUnknown) || !errors.Is(err, context.Canceled) || !fault.Is(err, fault.Unknown) {
		t.Errorf("a write in the group: %v", err)
	}
	if err := <-appended; !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrUnknown) {
		t.Errorf("a write in the queue: %v", err)
	}
	g.set(false, nil)
	g.open <- struct{}{}
	it, err := docs.Create(t.Context(), "a", command("c"), set(doc{N: 2}, "feed", "b"))
	if err != nil || !it.Repeated || it.Doc.N != 1 {
		t.Errorf("repeated: %+v, %v", it, err)
	}
	if n := len(numbers(t, db, "l")); n != 0 {
		t.Errorf("%d entries of a caller that left the queue", n)
	}
	check(t, db, docs)
}

// TestCommitFails lets COMMIT fail, before and after it was done: its callers
// learn that the outcome is unknown, and the writer survives.
func TestCommitFails(t *testing.T) {
	t.Parallel()
	db, docs, g := gated(t, sqlite.Options{})
	broken := errors.New("the disk is on fire")
	for i, c := range []struct {
		done bool
		fail func(func() error) error
	}{
		{false, func(func() error) error { return broken }},
		{true, func(commit func() error) error { return errors.Join(commit(), broken) }},
	} {
		id := fmt.Sprint("doc", i)
		create := func(v int64) (store.Item[doc], error) {
			return docs.Create(t.Context(), id, command("c"), set(doc{N: v, Code: id}, "feed", fmt.Sprint(v)))
		}
		g.set(false, c.fail)
		if _, err := create(1); !errors.Is(err, store.ErrUnknown) || !errors.Is(err, broken) {
			t.Errorf("create: %v", err)
		}
		g.set(false, nil)
		it, err := create(2)
		if err != nil || it.Repeated != c.done || it.Doc.N != map[bool]int64{true: 1, false: 2}[c.done] {
			t.Errorf("repeated: %+v, %v", it, err)
		}
	}
	if n := len(numbers(t, db, "feed")); n != 2 {
		t.Errorf("%d entries", n)
	}
	check(t, db, docs)
}

// TestDiskFull lets the database reach its largest size inside a group: what did
// not fit was certainly not written, and writing goes on when there is room.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir(), sqlite.Options{})
	docs := openDocs(t, db)
	if err := db.InWriter("PRAGMA max_page_count=120"); err != nil {
		t.Fatal(err)
	}
	big := strings.Repeat("x", 20000)
	var wg sync.WaitGroup
	results := make(chan error, 40)
	for i := range cap(results) {
		wg.Go(func() {
			_, err := docs.Create(t.Context(), fmt.Sprint(i), command("c"), set(doc{Code: big + fmt.Sprint(i)}, "feed", fmt.Sprint(i)))
			results <- err
		})
	}
	wg.Wait()
	close(results)
	refused, written := 0, 0
	for err := range results {
		switch {
		case err == nil:
			written++
		case fault.Is(err, fault.Unavailable) && !errors.Is(err, store.ErrUnknown):
			refused++
		default:
			t.Errorf("create: %v", err)
		}
	}
	if refused == 0 {
		t.Error("the disk was not full")
	}
	if n := len(numbers(t, db, "feed")); n != written {
		t.Errorf("%d were acknowledged, %d are there", written, n)
	}
	// The bound was that connection's; the writer has a new one since.
	if _, err := docs.Create(t.Context(), "last", command("c"), set(doc{Code: big}, "feed", "last")); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
	check(t, db, docs)
}

// TestGroup has one group serve callers of which some fail: each gets its own
// answer, and nobody's failure touches another.
func TestGroup(t *testing.T) {
	t.Parallel()
	db, docs, g := gated(t, sqlite.Options{})
	for _, id := range []string{"a", "b", "c"} {
		if _, err := docs.Create(t.Context(), id, command("c"), set(doc{Code: id}, "feed", id)); err != nil {
			t.Fatal(err)
		}
	}
	g.set(true, nil)
	first := make(chan error)
	go func() {
		_, err := db.Append(t.Context(), store.Entry{Log: "l", ID: "1", At: start})
		first <- err
	}()
	<-g.inside
	g.set(false, nil)
	raw := store.Document{Collection: "docs", ID: "raw", Rev: 1, Body: []byte(`{}`)}
	acts := []struct {
		do   func() error
		want error
	}{
		{func() error { _, err := docs.Put(t.Context(), "a", command("1"), count("feed", "a1")); return err }, nil},
		{func() error {
			_, err := docs.Put(t.Context(), "b", command("1"), set(doc{Code: "a"}, "feed", "b1"))
			return err
		}, store.ErrDuplicate},
		{func() error {
			return db.Write(t.Context(), store.Write{Collection: "docs", ID: "raw", Expect: 7, Doc: &raw})
		}, store.ErrConflict},
		{func() error {
			return db.Write(t.Context(), store.Write{Collection: "docs", ID: "raw", Expect: 7, Again: func(*store.Document) (*store.Write, error) { panic("a defect") }})
		}, errAny},
		{func() error {
			return db.Write(t.Context(), store.Write{
				Collection: "docs", ID: "raw", Doc: &raw, Keys: []store.IndexKeys{{Index: "none"}},
			})
		}, store.ErrNoIndex},
		{func() error {
			return db.Write(t.Context(), store.Write{Collection: "docs", ID: "raw", Expect: 7, Again: func(*store.Document) (*store.Write, error) {
				return &store.Write{Collection: "docs", ID: "raw", Expect: 6, Doc: &raw}, nil
			}})
		}, store.ErrConflict},
		{func() error {
			return db.Write(t.Context(), store.Write{Collection: "docs", ID: "raw", Expect: 7, Again: func(*store.Document) (*store.Write, error) {
				other := raw
				other.ID = "other"
				return &store.Write{Collection: "docs", ID: "other", Doc: &other}, nil
			}})
		}, errAny},
		{func() error { return db.Write(t.Context(), store.Write{Collection: "docs", ID: "other", Doc: &raw}) }, errAny},
		{func() error { return db.Write(t.Context(), store.Write{Collection: "docs", Doc: &raw}) }, errAny},
		{func() error { _, err := db.Append(t.Context(), store.Entry{Log: "l"}); return err }, errAny},
		{func() error { _, err := docs.Put(t.Context(), "c", command("1"), count("feed", "c1")); return err }, nil},
	}
	errs := make(chan error, len(acts))
	for i, act := range acts {
		go func() {
			err := act.do()
			right := errors.Is(err, act.want)
			if errors.Is(act.want, errAny) {
				right = err != nil
			}
			if right {
				errs <- nil
			} else {
				errs <- fmt.Errorf("act %d: %w", i, err)
			}
		}()
	}
	waitQueued(db, len(acts)-1) // all but the one without an id
	g.open <- struct{}{}
	if err := <-first; err != nil {
		t.Error(err)
	}
	for range acts {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if n := len(numbers(t, db, "feed")); n != 5 {
		t.Errorf("%d entries", n)
	}
	check(t, db, docs)
}

var errAny = errors.New("any error")

// TestForeignLock has a program that knows nothing of our turns hold SQLite's own
// lock, for longer than SQLite waits: that is said, who can wait waits, and all
// go on by themselves.
func TestForeignLock(t *testing.T) {
	t.Parallel()
	log := make(lines, 100)
	db := open(t, t.TempDir(), sqlite.Options{Logger: logger(log)}.WithBusy(10*time.Millisecond))
	docs := openDocs(t, db)
	pool, err := sql.Open("sqlite", db.Path())
	must(t, err)
	defer func() { _ = pool.Close() }()
	other, err := pool.Conn(t.Context())
	must(t, err)
	defer func() { _ = other.Close() }()
	_, err = other.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	must(t, err)
	written := make(chan error)
	go func() {
		_, err := docs.Put(t.Context(), "a", command("1"), count("l", ""))
		written <- err
	}()
	for range 2 {
		if line := <-log; !strings.Contains(line, "another program") {
			t.Error(line)
		}
	}
	if err := db.Ready(t.Context()); !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "another program") {
		t.Errorf("ready: %v", err)
	}
	_, err = other.ExecContext(t.Context(), "ROLLBACK")
	must(t, err)
	if err := <-written; err != nil {
		t.Error(err)
	}
	must(t, db.Ready(t.Context()))
	check(t, db, docs)
}
