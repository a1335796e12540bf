package sqlite

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"hezuo/fault"
)

// turnstile gives the processes that share a file turns at writing. SQLite's own
// lock is taken by whoever asks first after it was let go, which is nearly always
// the one that let it go. Here a process takes the turn, then the write lock, and
// lets the turn go; it writes, and lets the write lock go. One that waits for the
// write lock holds the turn, so that the one that writes must queue behind it.
//
// Both locks are the kernel's: a process that dies lets go of them. One that is
// stopped inside its write keeps them, and the others wait, and say for whom.
type turnstile struct {
	turn, write lockFile
	path        string // of the database
	log         *slog.Logger
	patience    time.Duration
	waiting     atomic.Pointer[time.Time] // since when this process waits
}

func newTurnstile(path string, log *slog.Logger, patience time.Duration) *turnstile {
	t := &turnstile{path: path, log: log, patience: patience}
	t.turn = lockFile{held: flock.New(path + "-turn.lock")}
	t.write = lockFile{held: flock.New(path + "-write.lock"), noted: true}
	return t
}

// lock waits for the write lock, however long that takes.
func (t *turnstile) lock() error {
	if err := t.pass(); err != nil {
		return fmt.Errorf("lock %s: %w", t.path, err)
	}
	return nil
}

func (t *turnstile) pass() error {
	since := time.Now()
	t.waiting.Store(&since)
	defer t.waiting.Store(nil)
	over := make(chan struct{})
	defer close(over)
	warn := time.AfterFunc(t.patience, func() { t.complain(over) })
	defer warn.Stop()
	if err := t.turn.lock(); err != nil {
		return err
	}
	if err := t.write.lock(); err != nil {
		return errors.Join(err, t.turn.unlock())
	}
	if err := t.turn.unlock(); err != nil {
		return errors.Join(err, t.write.unlock())
	}
	return nil
}

func (t *turnstile) unlock() error { return t.write.unlock() }

func (t *turnstile) close() error { return errors.Join(t.turn.close(), t.write.close()) }

// complain says now and then, until over is closed, that the lock is waited for.
func (t *turnstile) complain(over <-chan struct{}) {
	again := time.NewTicker(5 * time.Second)
	defer again.Stop()
	for {
		if why := t.waits(); why != nil {
			t.log.Warn("waiting for the write lock", "store", t.path, "why", why)
		}
		select {
		case <-over:
			return
		case <-again.C:
		}
	}
}

// waits says for whom this process waits; nil if it does not.
func (t *turnstile) waits() error {
	since := t.waiting.Load()
	if since == nil {
		return nil
	}
	waited := time.Since(*since).Round(time.Millisecond)
	return fault.New(fault.Unavailable, "waiting for the write lock of %s for %v, held by %s", t.path, waited, t.write.holder()).
		WithFix("let that process go on, or end it")
}

// lockFile is a file that is locked, and may say who holds it.
type lockFile struct {
	held  *flock.Flock
	noted bool
	note  *os.File
}

func (l *lockFile) lock() error {
	for {
		err := l.held.Lock()
		if err == nil && l.noted {
			return l.sign()
		}
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// sign writes down who has the lock and since when.
func (l *lockFile) sign() error {
	if l.note == nil {
		note, err := os.OpenFile(l.held.Path(), os.O_RDWR, 0)
		if err != nil {
			return errors.Join(err, l.held.Unlock())
		}
		l.note = note
	}
	// Of one length always, so that no older note shows behind it. It only
	// informs: that it could not be written is no reason not to go on.
	_, _ = l.note.WriteAt(fmt.Appendf(nil, "%-10d %s\n", os.Getpid(), time.Now().UTC().Format(stamp)), 0)
	return nil
}

func (l *lockFile) unlock() error { return l.held.Unlock() }

func (l *lockFile) close() error {
	if l.note == nil {
		return l.held.Close()
	}
	return errors.Join(l.held.Close(), l.note.Close())
}

const stamp = "2006-01-02T15:04:05.000Z"

// holder tells who wrote the note last: whoever holds the lock, if anybody does.
func (l *lockFile) holder() string {
	f, err := os.Open(l.held.Path())
	if err != nil {
		return "nobody known"
	}
	defer func() { _ = f.Close() }()
	b, _ := io.ReadAll(io.LimitReader(f, 64))
	fields := strings.Fields(string(b))
	if len(fields) != 2 {
		return "nobody known"
	}
	since, err := time.Parse(stamp, fields[1])
	if err != nil {
		return "process " + fields[0]
	}
	return fmt.Sprintf("process %s for %v", fields[0], time.Since(since).Round(time.Millisecond))
}
