package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"log/slog"
	"runtime"
	"sync/atomic"
)

// writer is the one goroutine of a process that writes.
type writer struct {
	db    *DB
	turns *turnstile
	log   *slog.Logger
	done  chan struct{} // closed when the goroutine has ended
	err   error         // of its end
	// foreign is why the last group could not begin, where a program that knows
	// nothing of our turns holds SQLite's lock; nil else.
	foreign atomic.Pointer[error]

	// Of the goroutine alone:
	pool       *sql.DB
	conn       *conn // nil: to be opened
	generation int64 // of the definitions, as this process knows them
}

func newWriter(db *DB) *writer {
	return &writer{
		db: db, log: db.opts.Logger, done: make(chan struct{}), generation: -1,
		turns: newTurnstile(db.opts.Path, db.opts.Logger, db.opts.hooks.patience),
	}
}

// prepare makes or checks the file, under the write lock, and opens the writer's
// connection. When ctx ends first the lock is still waited for, and then let go.
func (w *writer) prepare(ctx context.Context) error {
	done := make(chan error)
	go func() {
		err := w.prepareLocked(ctx)
		select {
		case done <- err:
		case <-ctx.Done():
			_ = w.release() // nobody listens any more
		}
	}()
	select {
	case err := <-done:
		if err != nil {
			err = errors.Join(err, w.release())
		}
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *writer) prepareLocked(ctx context.Context) (err error) {
	if err := w.turns.lock(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.turns.unlock()) }()
	if err := makeFile(w.db.opts.Path); err != nil {
		return err
	}
	if err := w.connect(ctx); err != nil {
		return err
	}
	return migrate(ctx, w.conn.sql)
}

// connect opens the writer's connection if it has none.
func (w *writer) connect(ctx context.Context) error {
	if w.conn != nil {
		return nil
	}
	if w.pool == nil {
		w.pool = openPool(w.db.opts.Path, w.db.opts.hooks.busy, writerPragmas, 1)
	}
	c, err := w.pool.Conn(ctx)
	if err != nil {
		return err
	}
	w.conn = &conn{sql: c, stmts: map[string]*sql.Stmt{}}
	return nil
}

// disconnect throws the connection away, and with it a transaction that may be
// open on it.
func (w *writer) disconnect() {
	if w.conn == nil {
		return
	}
	w.conn.closeStatements()
	_ = w.conn.sql.Raw(func(any) error { return driver.ErrBadConn }) // makes database/sql drop it
	_ = w.conn.sql.Close()
	w.conn = nil
}

// release closes everything of the writer's. Only its goroutine may call it, or
// whoever has none.
func (w *writer) release() error {
	var errs []error
	if w.conn != nil {
		w.conn.closeStatements()
		errs = append(errs, w.conn.sql.Close())
		w.conn = nil
	}
	if w.pool != nil {
		errs = append(errs, w.pool.Close())
	}
	return errors.Join(append(errs, w.turns.close())...)
}

// run serves callers, group by group, until the queue is closed and empty.
func (w *writer) run() {
	defer close(w.done)
	for w.db.queue.wait() {
		w.serve()
		// Those just answered may have more to write: they should be in the queue
		// before the next group is taken from it.
		runtime.Gosched()
	}
	w.err = w.release()
}

// serve commits one group.
func (w *writer) serve() {
	if err := w.turns.lock(); err != nil {
		w.refuse(unavailable("the store cannot be locked", err))
		return
	}
	g, err := w.begin()
	if err == nil {
		err = g.run()
	}
	if e := w.turns.unlock(); e != nil {
		w.log.Error("the write lock could not be let go", "store", w.db.opts.Path, "error", e)
	}
	if g == nil && isBusy(err) {
		// Nobody was taken from the queue: who can wait waits.
		err = unavailable("another program holds SQLite's lock", err)
		w.foreign.Store(&err)
		w.log.Warn("waiting for SQLite's lock", "store", w.db.opts.Path, "why", err)
		return
	}
	w.foreign.Store(nil)
	if g == nil {
		w.refuse(unavailable("the store cannot be written", err))
		return
	}
	g.answer(err)
}

// waits says what the writer waits for; nil if for nothing.
func (w *writer) waits() error {
	if why := w.foreign.Load(); why != nil {
		return *why
	}
	return w.turns.waits()
}

// refuse answers all who wait. Nothing of theirs was begun.
func (w *writer) refuse(err error) {
	w.log.Error("a group of writes could not be begun", "store", w.db.opts.Path, "error", err)
	for o := w.db.queue.take(); o != nil; o = w.db.queue.take() {
		o.answer(err)
	}
}

// begin opens the transaction of a group. It takes nobody from the queue.
func (w *writer) begin() (*group, error) {
	ctx := context.Background()
	if err := w.connect(ctx); err != nil {
		return nil, err
	}
	if err := w.conn.exec("BEGIN IMMEDIATE"); err != nil {
		if !isBusy(err) {
			w.disconnect()
		}
		return nil, err
	}
	t := &tx{c: w.conn, grown: map[string]int64{}}
	if err := w.refresh(t); err != nil {
		w.disconnect()
		return nil, err
	}
	return &group{w: w, tx: t}, nil
}

// refresh looks whether a collection was defined anew since the last group, by
// this process or another.
func (w *writer) refresh(t *tx) error {
	var generation int64
	if err := t.c.row("SELECT v FROM meta WHERE k = 'generation'").Scan(&generation); err != nil {
		return err
	}
	if generation == w.generation {
		return nil
	}
	rows, err := t.c.query(`SELECT g.name, f.fingerprint, max(f.generation)
		FROM definitions f JOIN collections g ON g.c = f.c GROUP BY f.c`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name, fingerprint string
		var newest int64
		if err := rows.Scan(&name, &fingerprint, &newest); err != nil {
			return err
		}
		w.db.inForce(name, fingerprint)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	w.generation = generation
	return nil
}

// conn is the writer's connection with its prepared statements.
type conn struct {
	sql   *sql.Conn
	stmts map[string]*sql.Stmt
}

// prepared gives a statement of the text. The writer's statements run without a
// context that ends: a write is not cut off in the middle.
func (c *conn) prepared(query string) (*sql.Stmt, error) {
	if s := c.stmts[query]; s != nil {
		return s, nil
	}
	s, err := c.sql.PrepareContext(context.Background(), query)
	if err == nil {
		c.stmts[query] = s
	}
	return s, err
}

func (c *conn) exec(query string, args ...any) error {
	_, err := c.result(query, args...)
	return err
}

func (c *conn) result(query string, args ...any) (sql.Result, error) {
	s, err := c.prepared(query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(context.Background(), args...)
}

func (c *conn) query(query string, args ...any) (*sql.Rows, error) {
	s, err := c.prepared(query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(context.Background(), args...)
}

func (c *conn) row(query string, args ...any) scanner {
	s, err := c.prepared(query)
	if err != nil {
		return failed{err}
	}
	return s.QueryRowContext(context.Background(), args...)
}

func (c *conn) closeStatements() {
	for _, s := range c.stmts {
		_ = s.Close()
	}
	clear(c.stmts)
}

// scanner is a row, or why there is none.
type scanner interface{ Scan(dest ...any) error }

type failed struct{ err error }

func (f failed) Scan(...any) error { return f.err }
