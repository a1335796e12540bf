// Package storetest is the one suite that every backend of store passes. A
// backend's own test calls [Run]; what only that backend has, it tests itself.
//
// Counts are reduced unless the environment has HEZUO_PROVE=full, but for the
// races that the contract names. Every test ends with the checks that `hezuo
// check` makes of a store.
package storetest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"hezuo/store"
)

// Backend is what is tested.
type Backend struct {
	// Open opens the store that is kept under dir: a new one the first time, the
	// same data after that, also while it is open already, as another process
	// would. The suite closes what it opens.
	Open func(t *testing.T, dir string) store.DB
}

// Run proves a backend.
func Run(t *testing.T, b Backend) {
	for _, c := range []struct {
		name string
		run  func(*suite)
	}{
		{"document life", documentLife},
		{"document put", documentPut},
		{"document survives reopening", documentReopened},
		{"raw writes", rawWrites},
		{"command repeated", commandRepeated},
		{"command reused", commandReused},
		{"command memory bounded", commandMemory},
		{"command incomplete", commandIncomplete},
		{"audit missing", auditMissing},
		{"function fails", functionFails},
		{"entries if and only if written", entriesIff},
		{"entries with ids of their own", entriesWithIDs},
		{"entry times", entryTimes},
		{"racing updates", racingUpdates},
		{"racing creates", racingCreates},
		{"racing unique keys", racingUnique},
		{"unique key moves", uniqueMoves},
		{"unique key swaps", uniqueSelf},
		{"several keys", severalKeys},
		{"no such index", noSuchIndex},
		{"paging", paging},
		{"paging by id", pagingByID},
		{"paging under writes", pagingUnderWrites},
		{"index versions", indexVersions},
		{"index of an older program", indexOutdated},
		{"unique index added", uniqueAdded},
		{"log appends", logAppends},
		{"log racing appends", logRacing},
		{"log heads", logHeads},
		{"log sealed", logSealed},
		{"log racing seal", logRacingSeal},
		{"log sealed in a write", logSealedInWrite},
		{"lease epochs", leaseEpochs},
		{"lease racing", leaseRacing},
		{"lease same instant", leaseSameInstant},
		{"lease fences", leaseFences},
		{"follower steps", followerSteps},
		{"follower runs", followerRuns},
		{"context ended before", contextBefore},
		{"context ends during", contextDuring},
		{"checks find faults", checksFind},
		{"opened twice", openedTwice},
		{"closed", closedStore},
		{"model", model},
		{"model of finding", findModel},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &suite{T: t, b: b, dir: t.TempDir()}
			s.db = s.open()
			c.run(s)
			s.check()
		})
	}
}

// suite is one test's store.
type suite struct {
	*testing.T
	b      Backend
	dir    string
	db     store.DB
	faulty bool // the test planted a fault: no check at the end

	mu      sync.Mutex
	checked map[string]store.Checked
}

// open opens the store once more; it is closed at the end of the test.
func (s *suite) open() store.DB {
	s.Helper()
	db := s.b.Open(s.T, s.dir)
	s.Cleanup(func() { _ = db.Close() })
	return db
}

// reopen closes the store and opens it again. Collections must be opened anew.
func (s *suite) reopen() {
	s.Helper()
	s.no(s.db.Close())
	s.db = s.open()
}

// ctx ends with the test.
func (s *suite) ctx() context.Context { return s.Context() }

// no fails the test on an error.
func (s *suite) no(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// full reports whether full counts are asked for.
func full() bool { return os.Getenv("HEZUO_PROVE") == "full" && !testing.Short() }

// count is how many of something to do.
func count(reduced, whole int) int {
	if full() {
		return whole
	}
	return reduced
}

// check proves what `hezuo check` proves.
func (s *suite) check() {
	s.Helper()
	if s.faulty || s.Failed() {
		return
	}
	report := s.report()
	for _, f := range report.Findings {
		s.Errorf("check: %s: %s: %s", f.Invariant, f.Where, f.What)
	}
}

func (s *suite) report() *store.Report {
	s.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	report := &store.Report{}
	var all []store.Checked
	for _, c := range s.checked {
		all = append(all, c)
	}
	s.no(store.CheckLogs(s.ctx(), s.db, report))
	s.no(store.CheckTrails(s.ctx(), s.db, all, report))
	return report
}

// collect opens a collection, and has it checked at the end of the test.
func collect[T any](s *suite, db store.DB, spec store.Spec[T]) *store.Collection[T] {
	s.Helper()
	c, err := store.Open(s.ctx(), db, spec)
	s.no(err)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.checked == nil {
		s.checked = map[string]store.Checked{}
	}
	s.checked[spec.Name] = c
	return c
}

// thing is the document of most tests.
type thing struct {
	Name  string   `json:"name"`
	Group string   `json:"group"`
	N     int64    `json:"n"`
	Code  string   `json:"code,omitempty"` // unique where it is not empty
	Tags  []string `json:"tags,omitempty"`
}

func thingSpec(name string) store.Spec[thing] {
	return store.Spec[thing]{Name: name, Indexes: []store.Index[thing]{
		{Name: "group", Version: 1, Keys: func(_ string, d *thing) []store.Key {
			return []store.Key{store.K(d.Group, d.N)}
		}},
		{Name: "code", Version: 1, Unique: true, Keys: func(_ string, d *thing) []store.Key {
			if d.Code == "" {
				return nil
			}
			return []store.Key{store.K(d.Code)}
		}},
		{Name: "tag", Version: 1, Keys: func(id string, d *thing) []store.Key {
			var keys []store.Key
			for _, tag := range d.Tags {
				keys = append(keys, store.K(tag))
			}
			return keys
		}},
	}}
}

// things opens the collection of most tests.
func (s *suite) things() *store.Collection[thing] { return collect(s, s.db, thingSpec("things")) }

// start is the time of most commands.
var start = time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)

func command(format string, args ...any) store.Command {
	return store.Command{ID: fmt.Sprintf(format, args...), Actor: "person-1", From: "test", At: start}
}

// set makes the function that writes a thing.
func set(v thing, more ...store.Entry) func(*thing) ([]store.Entry, error) {
	return func(d *thing) ([]store.Entry, error) {
		*d = v
		return append([]store.Entry{store.Audit("thing.set", "", nil)}, more...), nil
	}
}

// add makes the function that adds to a thing's number.
func add(n int64) func(*thing) ([]store.Entry, error) {
	return func(d *thing) ([]store.Entry, error) {
		d.N += n
		return []store.Entry{store.Audit("thing.add", "", nil)}, nil
	}
}

// parallel runs fn on n goroutines and waits for them.
func parallel(n int, fn func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { fn(i) })
	}
	wg.Wait()
}
