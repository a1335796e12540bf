package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"github.com/gofrs/flock"
)

// WithCommit has commit called in place of each COMMIT, inside the transaction.
func (o Options) WithCommit(commit func(commit func() error) error) Options {
	o.hooks.commit = commit
	return o
}

// WithFilling sets the size of a step of filling an index, and the pause after
// one that failed.
func (o Options) WithFilling(page int, retry time.Duration) Options {
	o.hooks.fillPage, o.hooks.fillRetry = page, retry
	return o
}

// WithPatience sets how long the write lock is waited for in silence.
func (o Options) WithPatience(d time.Duration) Options {
	o.hooks.patience = d
	return o
}

// WithBusy sets how long SQLite itself waits for its lock.
func (o Options) WithBusy(d time.Duration) Options {
	o.hooks.busy = d
	return o
}

// Readers gives the connections for reading.
func (db *DB) Readers() *sql.DB { return db.readers }

// InWriter runs a statement on the writer's connection, in a group.
func (db *DB) InWriter(query string, args ...any) error {
	return db.do(db.ctx, &op{do: func(t *tx) error {
		if err := t.change(); err != nil {
			return err
		}
		return t.c.exec(query, args...)
	}})
}

// WaitBackground waits until no index is being filled or cleared away.
func (db *DB) WaitBackground() { db.work.Wait() }

// Queued is how many callers wait for the writer.
func (db *DB) Queued() int {
	db.queue.mu.Lock()
	defer db.queue.mu.Unlock()
	n := 0
	for o := db.queue.root.next; o != &db.queue.root; o = o.next {
		n++
	}
	return n
}

// ApplyPragma sets a pragma on a new connection to a file and demands that it
// reads back as want.
func ApplyPragma(ctx context.Context, path, name, set, want string) error {
	pool := openPool(path, time.Second, []pragma{{name, set, want}}, 1)
	defer func() { _ = pool.Close() }()
	return pool.PingContext(ctx)
}

// Texts of the queries behind Find.
var Queries = map[string]string{
	"ids up":   fmt.Sprintf(findIDs, "ASC"),
	"ids down": fmt.Sprintf(findIDs, "DESC"),
	"up":       fmt.Sprintf(findUp, "keys"), "down": fmt.Sprintf(findDown, "keys"),
	"unique up": fmt.Sprintf(findUp, "uniques"), "unique down": fmt.Sprintf(findDown, "uniques"),
}

// Turnstile gives one of the locks that order processes, as another process
// would have it, and what takes and lets go of it. queued reports whether
// somebody waits for the write lock.
func Turnstile(path string) (lock, unlock func() error, queued func() (bool, error)) {
	t := newTurnstile(path, slog.Default(), time.Minute)
	turn := flock.New(path + "-turn.lock")
	return t.lock, t.unlock, func() (bool, error) {
		free, err := turn.TryLock()
		if free {
			err = turn.Unlock()
		}
		return !free, err
	}
}
