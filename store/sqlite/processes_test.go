package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"time"

	"hezuo/store"
	"hezuo/store/sqlite"
)

// TestProcesses has several processes write one file at once: the counts are
// exact, and each gets its share.
func TestProcesses(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 3} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			dir := t.TempDir()
			children := make([]*process, n)
			for i := range children {
				children[i] = begin(t, "count", fmt.Sprint("p", i), dir)
			}
			said := make(chan int, 100)
			for i, p := range children {
				p.goOn()
				go func() {
					for line := range p.lines {
						if !strings.HasPrefix(line, "count ") {
							t.Errorf("process %d says %q", i, line)
						}
						said <- i
					}
					said <- -1
				}()
			}
			acks, total, ended := make([]int, n), 0, 0
			for ended < n {
				i := <-said
				if i < 0 {
					ended++
					continue
				}
				acks[i]++
				if total++; total == rounds(400, 5000) {
					for i, share := range acks {
						if share < total/n/3 {
							t.Errorf("process %d got %d of %d", i, share, total)
						}
					}
					for _, p := range children {
						_ = p.in.Close()
					}
				}
			}
			t.Logf("acknowledged: %v", acks)
			db := open(t, dir, sqlite.Options{})
			docs := openDocs(t, db)
			it, err := docs.Get(t.Context(), "counter")
			if err != nil || int(it.Doc.N) != total || len(numbers(t, db, "counts")) != total {
				t.Errorf("counted %d of %d: %v", it.Doc.N, total, err)
			}
			check(t, db, docs)
		})
	}
}

// lines is a logger's output, line by line.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	select {
	case l <- string(bytes.TrimSpace(p)):
	default:
	}
	return len(p), nil
}

// stopped starts a process that is stopped inside its write.
func stopped(t *testing.T, dir string) *process {
	t.Helper()
	p := begin(t, "stop", fmt.Sprint("s", time.Now().UnixNano()), dir)
	p.goOn()
	p.expect("inside")
	p.waitStopped()
	return p
}

// TestStoppedProcess stops a process inside its write. Others wait, say for
// whom, lose nothing, and go on by themselves when it goes on or dies.
func TestStoppedProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log := make(lines, 100)
	opts := sqlite.Options{Logger: slog.New(slog.NewTextHandler(log, nil))}.WithPatience(20 * time.Millisecond)
	db := open(t, dir, opts)
	docs := openDocs(t, db)
	if _, err := docs.Create(t.Context(), "mine", command("c"), set(doc{}, "mine", "mine")); err != nil {
		t.Fatal(err)
	}
	for _, sig := range []syscall.Signal{syscall.SIGCONT, syscall.SIGKILL} {
		t.Run(sig.String(), func(t *testing.T) {
			p := stopped(t, dir)
			before := len(numbers(t, db, "feed"))
			pid := fmt.Sprint("process ", p.cmd.Process.Pid, " ")

			update := func(ctx context.Context, name string, ahead int) chan error {
				written := make(chan error, 1)
				go func() {
					_, err := docs.Update(ctx, "mine", command("%s %v", name, sig), count("mine", name+sig.String()))
					written <- err
				}()
				waitQueued(db, ahead+1)
				return written
			}
			written := update(t.Context(), "now", 0)
			ctx, cancel := context.WithCancel(t.Context())
			late := update(ctx, "late", 1)
			cancel()
			if err := <-late; !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrUnknown) {
				t.Errorf("a write that was not begun: %v", err)
			}
			for line := range log {
				if strings.Contains(line, "write lock") && strings.Contains(line, pid) {
					break
				}
			}
			if err := db.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), pid) {
				t.Errorf("ready: %v", err)
			}
			if _, err := docs.Get(t.Context(), "mine"); err != nil {
				t.Errorf("reading: %v", err)
			}
			p.signal(sig)
			if err := <-written; err != nil {
				t.Errorf("a write that waited: %v", err)
			}
			_ = p.in.Close()
			// What it was writing when it was stopped is there if it went on.
			acks, feed := len(p.rest()), len(numbers(t, db, "feed"))
			if went := sig == syscall.SIGCONT; went != (feed > before) || went != (acks > 0) {
				t.Errorf("%d acknowledged, %d entries after %d", acks, feed, before)
			}
			if err := db.Ready(t.Context()); err != nil {
				t.Errorf("ready: %v", err)
			}
		})
	}
	it, err := docs.Get(t.Context(), "mine")
	if err != nil || it.Doc.N != 2 {
		t.Errorf("mine is %+v: %v", it, err)
	}
	check(t, db, docs)
}

// TestCloseBehindStopped closes a store that waits for a stopped process: that
// is bounded, and the callers learn that nothing of theirs was written.
func TestCloseBehindStopped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := open(t, dir, sqlite.Options{CloseWait: 50 * time.Millisecond})
	docs := openDocs(t, db)
	p := stopped(t, dir)
	written := make(chan error, 1)
	go func() {
		_, err := docs.Create(t.Context(), "mine", command("c"), set(doc{}, "mine", "mine"))
		written <- err
	}()
	waitQueued(db, 1)
	err := db.Close()
	if err == nil || !strings.Contains(err.Error(), fmt.Sprint("process ", p.cmd.Process.Pid)) {
		t.Errorf("close: %v", err)
	}
	if err := <-written; !errors.Is(err, store.ErrClosed) {
		t.Errorf("a write that waited: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := sqlite.Open(ctx, sqlite.Options{Path: dir + "/store.db"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("open: %v", err)
	}
	p.signal(syscall.SIGKILL)
	db = open(t, dir, sqlite.Options{})
	docs = openDocs(t, db)
	if _, err := docs.Get(t.Context(), "mine"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("get: %v", err)
	}
	check(t, db, docs)
}

// TestTurns lets one that writes ask for the lock again at once while another
// waits: the other has it first.
func TestTurns(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/x.db"
	lock, unlock, queued := sqlite.Turnstile(path)
	otherLock, otherUnlock, _ := sqlite.Turnstile(path)
	for range 20 {
		must(t, lock())
		had := make(chan error, 1)
		go func() {
			err := otherLock()
			had <- err
			if err == nil {
				_ = otherUnlock()
			}
		}()
		for waits := false; !waits; {
			var err error
			waits, err = queued()
			must(t, err)
		}
		must(t, unlock())
		must(t, lock())
		select {
		case err := <-had:
			must(t, err)
		default:
			t.Fatal("who asked later had the lock first")
		}
		must(t, unlock())
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
