// Package sqlite keeps a store in one SQLite file: the backend that is built in.
// It implements store.DB and knows nothing above it.
//
// One goroutine a process writes. It commits whatever callers are waiting in one
// transaction, each caller's part under a savepoint of its own, and answers them
// after the commit: a group of writes costs one sync of the disk. Several
// processes may share the file; two lock files beside it give them turns (see
// turnstile). Readers have connections of their own and never wait for a writer.
//
// Acknowledged means on disk: the write-ahead log is synced at every commit
// (journal_mode=WAL, synchronous=FULL), and a connection on which that does not
// hold is refused.
//
// Lock order: DB.mu before index.mu; queue.mu is taken alone.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"hezuo/fault"
	"hezuo/store"
)

// Options say where the store is and how it works. Every zero value but Path is
// a default.
type Options struct {
	// Path is the database's file, made if it is not there. Beside it stand
	// SQLite's -wal and -shm and our -turn.lock and -write.lock. It must be on a
	// local disk.
	Path string
	// Readers is how many connections read at once; 0: the number of CPUs, and at
	// least 4.
	Readers int
	// Published is called for each log that grew, with its newest number, after
	// the commit and on a goroutine of its own: one that is slow delays only the
	// next call, which then stands for several commits. nil: nobody is told. It
	// hears nothing of what other processes write.
	Published func(log string, n int64)
	// Logger hears of waits for the write lock and of failures; nil: slog.Default().
	Logger *slog.Logger
	// MaxGroup is how many callers one transaction may serve; 0: 256.
	MaxGroup int
	// MaxGroupBytes is how much their documents and entries may weigh before the
	// group is closed; 0: 4 MiB. A single larger write goes alone.
	MaxGroupBytes int
	// CloseWait bounds how long Close waits for writes under way, which another
	// process that was stopped inside its write can hold up; 0: 10 s.
	CloseWait time.Duration

	hooks hooks // for tests
}

// hooks let tests stand inside a transaction.
type hooks struct {
	commit    func(commit func() error) error // in place of commit()
	fillRetry time.Duration                   // between attempts at an index that cannot be filled; 0: 30 s
	fillPage  int                             // documents to a step of filling; 0: 100
	patience  time.Duration                   // before the first warning that the lock is waited for; 0: 1 s
	busy      time.Duration                   // how long SQLite itself waits for its lock; 0: 5 s
}

func (o *Options) defaults() {
	if o.Readers <= 0 {
		o.Readers = max(4, runtime.GOMAXPROCS(0))
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.MaxGroup <= 0 {
		o.MaxGroup = 256
	}
	if o.MaxGroupBytes <= 0 {
		o.MaxGroupBytes = 4 << 20
	}
	if o.CloseWait <= 0 {
		o.CloseWait = 10 * time.Second
	}
	if o.hooks.commit == nil {
		o.hooks.commit = func(commit func() error) error { return commit() }
	}
	if o.hooks.fillRetry <= 0 {
		o.hooks.fillRetry = 30 * time.Second
	}
	if o.hooks.fillPage <= 0 {
		o.hooks.fillPage = 100
	}
	if o.hooks.patience <= 0 {
		o.hooks.patience = time.Second
	}
	if o.hooks.busy <= 0 {
		o.hooks.busy = 5 * time.Second
	}
}

// DB is a store in one file.
type DB struct {
	opts    Options
	readers *sql.DB
	stmts   statements // of readers
	queue   *queue
	writer  *writer
	publish *publisher

	// ctx ends when Close begins; work counts the goroutines that fill indexes.
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
	closed atomic.Bool
	once   sync.Once
	err    error // of Close

	mu          sync.RWMutex
	collections map[string]*collection
}

var _ store.DB = (*DB)(nil)

// Open opens a store, and makes it if there is none. ctx bounds the opening
// alone. A file that is no store, or one of a newer format, is an error.
func Open(ctx context.Context, opts Options) (*DB, error) {
	opts.defaults()
	path, err := filepath.Abs(opts.Path)
	if err != nil || opts.Path == "" {
		return nil, fault.New(fault.Invalid, "the store needs the path of a file").Wrap(err)
	}
	opts.Path = path
	db := &DB{opts: opts, queue: newQueue(), collections: map[string]*collection{}}
	db.ctx, db.cancel = context.WithCancel(context.WithoutCancel(ctx))
	db.writer = newWriter(db)
	if err := db.writer.prepare(ctx); err != nil {
		db.cancel()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.readers = openPool(path, opts.hooks.busy, readerPragmas, opts.Readers)
	if err := db.readers.PingContext(ctx); err != nil {
		db.cancel()
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), db.readers.Close(), db.writer.release())
	}
	db.stmts.pool = db.readers
	db.publish = newPublisher(opts.Published)
	go db.publish.run()
	go db.writer.run()
	return db, nil
}

// Path gives the database's file. A process that has the store open must not
// open and close that file itself: closing it drops SQLite's locks on it (POSIX
// locks belong to the process and the file, not to the descriptor).
func (db *DB) Path() string { return db.opts.Path }

// Close lets the writes under way finish and releases everything. Where the
// write lock cannot be had within Options.CloseWait, the callers still waiting
// get ErrClosed, nothing of theirs is written, and Close returns an error.
func (db *DB) Close() error {
	db.once.Do(func() { db.err = db.close() })
	return db.err
}

func (db *DB) close() error {
	db.closed.Store(true)
	db.cancel()
	db.queue.close()
	limit, cancel := context.WithTimeout(context.Background(), db.opts.CloseWait)
	defer cancel()
	var errs []error
	select {
	case <-db.writer.done:
		errs = append(errs, db.writer.err)
	case <-limit.Done():
		// The writer's goroutine is in the kernel, waiting for the lock; when it
		// gets it, it finds nothing to do, lets go and ends.
		why := db.writer.waits()
		for o := db.queue.take(); o != nil; o = db.queue.take() {
			o.answer(store.ErrClosed)
		}
		errs = append(errs, unavailable("the writer did not come to its end", why))
	}
	db.work.Wait()
	db.publish.close(limit)
	errs = append(errs, db.stmts.close(), db.readers.Close())
	return errors.Join(errs...)
}

// do has the writer run an op inside a transaction and waits until that is on
// disk. When ctx ends first, its error is returned alone if the op was certainly
// not run and never will be.
func (db *DB) do(ctx context.Context, o *op) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	o.ctx, o.done = ctx, make(chan struct{})
	if !db.queue.put(o) {
		return store.ErrClosed
	}
	select {
	case <-o.done:
		return o.err
	case <-ctx.Done():
	}
	if db.queue.leave(o) {
		return ctx.Err()
	}
	select {
	case <-o.done:
		return o.err
	default:
		return unknown(ctx.Err())
	}
}

// makeFile makes the database's file where there is none, for its owner alone:
// SQLite gives its -wal and -shm the same mode.
func makeFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}
