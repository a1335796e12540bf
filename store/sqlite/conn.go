package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"modernc.org/sqlite"
)

// pragma is a setting of a connection: what to say, and what must read back.
type pragma struct{ name, set, want string }

// common is what holds for every connection. synchronous=FULL (2) in WAL mode
// syncs the log at each commit; fullfsync makes that true on macOS as well.
var common = []pragma{
	{"synchronous", "FULL", "2"},
	{"fullfsync", "ON", "1"},
	{"foreign_keys", "ON", "1"},
	{"temp_store", "MEMORY", "2"},
}

// writerPragmas are the writer's. The log is moved into the database each 16 MiB
// and cut back to 64 after a time when readers held it open.
var writerPragmas = append(common[:len(common):len(common)], []pragma{
	{"journal_mode", "WAL", "wal"},
	{"secure_delete", "ON", "1"}, // what was deleted, such as a person's key, is overwritten
	{"cache_size", "-32768", "-32768"},
	{"wal_autocheckpoint", "4096", "4096"},
	{"journal_size_limit", "67108864", "67108864"},
	{"query_only", "OFF", "0"},
}...)

// readerPragmas are the readers'. The journal's mode is a property of the file:
// a reader only looks whether it is right.
var readerPragmas = append(common[:len(common):len(common)], []pragma{
	{"journal_mode", "", "wal"},
	{"cache_size", "-8192", "-8192"},
	{"query_only", "ON", "1"},
}...)

// openPool gives up to n connections to a database, each set up with the pragmas
// and refused if they do not read back. busy is how long each waits for a lock of
// SQLite's. That is set first: what follows may have to wait for another process
// that opens or leaves the file.
func openPool(path string, busy time.Duration, pragmas []pragma, n int) *sql.DB {
	ms := strconv.FormatInt(busy.Milliseconds(), 10)
	pragmas = append([]pragma{{"busy_timeout", ms, ms}}, pragmas...)
	d := &sqlite.Driver{}
	d.RegisterConnectionHook(func(c sqlite.ExecQuerierContext, _ string) error {
		for _, p := range pragmas {
			if err := p.apply(c); err != nil {
				return err
			}
		}
		return nil
	})
	pool := sql.OpenDB(connector{d, dsn(path)})
	pool.SetMaxOpenConns(n)
	pool.SetMaxIdleConns(n)
	return pool
}

// dsn names a file so that no character of its path is taken for an option.
func dsn(path string) string {
	p := filepath.ToSlash(path)
	if !strings.HasPrefix(p, "/") { // a Windows drive
		p = "/" + p
	}
	return (&url.URL{Scheme: "file", Path: p}).String()
}

// connector opens connections with a driver of our own, so that the hook is ours
// and nothing is registered for the whole process.
type connector struct {
	d   *sqlite.Driver
	dsn string
}

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return c.d.Open(c.dsn)
}

func (c connector) Driver() driver.Driver { return c.d }

// apply sets a pragma and reads it back.
func (p pragma) apply(c sqlite.ExecQuerierContext) error {
	if p.set != "" {
		if _, err := queryOne(c, "PRAGMA "+p.name+"="+p.set); err != nil {
			return fmt.Errorf("set %s: %w", p.name, err)
		}
	}
	got, err := queryOne(c, "PRAGMA "+p.name)
	if err != nil {
		return fmt.Errorf("read %s: %w", p.name, err)
	}
	if !strings.EqualFold(got, p.want) {
		return fmt.Errorf("a connection has %s=%s where %s is needed", p.name, got, p.want)
	}
	return nil
}

// queryOne gives the first value of a query's first row, empty if there is none.
func queryOne(c sqlite.ExecQuerierContext, query string) (string, error) {
	rows, err := c.QueryContext(context.Background(), query, nil)
	if err != nil {
		return "", err
	}
	dest := make([]driver.Value, len(rows.Columns()))
	err = rows.Next(dest)
	if errors.Is(err, io.EOF) || len(dest) == 0 {
		return "", rows.Close()
	}
	if err != nil {
		return "", errors.Join(err, rows.Close())
	}
	return fmt.Sprint(dest[0]), rows.Close()
}

// statements are the prepared statements of a pool, made when first asked for:
// database/sql prepares each once on each connection.
type statements struct {
	pool *sql.DB

	mu  sync.RWMutex
	all map[string]*sql.Stmt // by text
}

func (s *statements) get(ctx context.Context, query string) (*sql.Stmt, error) {
	s.mu.RLock()
	st := s.all[query]
	s.mu.RUnlock()
	if st != nil {
		return st, nil
	}
	st, err := s.pool.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if was := s.all[query]; was != nil { // somebody was faster
		return was, st.Close()
	}
	if s.all == nil {
		s.all = map[string]*sql.Stmt{}
	}
	s.all[query] = st
	return st, nil
}

func (s *statements) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, st := range s.all {
		errs = append(errs, st.Close())
	}
	s.all = nil
	return errors.Join(errs...)
}
