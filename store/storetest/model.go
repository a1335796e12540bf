package storetest

import (
	"errors"
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"hezuo/store"
)

// model drives the backend and [Memory] with the same random acts and compares
// every answer, and at the end everything that is in them.
func model(s *suite) {
	s.no(s.db.Close()) // each run opens it anew
	var names []string
	run, failed := 0, false
	for round := range count(1, 10) {
		rapid.Check(s.T, func(t *rapid.T) {
			if !full() && run >= 25 && !failed {
				return // rapid knows no other way to do less
			}
			run++
			m := &machine{t: t, s: s, name: fmt.Sprintf("run%d-%d", round, run), memory: &Memory{}}
			m.open(t)
			defer func() {
				failed = failed || m.diff != ""
				_ = m.dbs[0].Close()
			}()
			names = append(names, m.name)
			t.Repeat(map[string]func(*rapid.T){
				"":       m.compare,
				"put":    m.put,
				"update": m.update,
				"create": m.create,
				"delete": m.delete,
				"raw":    m.raw,
				"append": m.append,
				"find":   m.find,
				"read":   m.read,
				"reopen": m.reopen,
			})
			m.all()
		})
	}
	s.db = s.open()
	for _, name := range names {
		collect(s, s.db, thingSpec(name))
	}
}

// machine is one run: a backend and the model, with a collection and logs of
// their own.
type machine struct {
	t      *rapid.T
	s      *suite
	name   string
	memory *Memory
	dbs    [2]store.DB
	cs     [2]*store.Collection[thing]
	last   string // what was asked last, for the message
	diff   string
}

func (m *machine) open(t *rapid.T) {
	m.dbs = [2]store.DB{m.s.b.Open(m.s.T, m.s.dir), m.memory.Open("")}
	for i, db := range m.dbs {
		c, err := store.Open(m.s.ctx(), db, thingSpec(m.name))
		if err != nil {
			t.Fatal(err)
		}
		m.cs[i] = c
	}
}

func (m *machine) reopen(t *rapid.T) {
	for _, db := range m.dbs {
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	m.open(t)
}

// both asks the two the same and compares the answers.
func (m *machine) both(what string, ask func(i int) (any, error)) {
	var got [2]any
	var errs [2]error
	for i := range got {
		got[i], errs[i] = ask(i)
	}
	m.last = what
	if !errors.Is(errs[0], kind(errs[1])) {
		m.diff = fmt.Sprintf("the backend says %v, the model %v", errs[0], errs[1])
	} else if d := diff(got[1], got[0]); d != "" {
		m.diff = d
	}
}

func (m *machine) compare(t *rapid.T) {
	if m.diff != "" {
		t.Fatalf("%s: %s", m.last, m.diff)
	}
}

var errRefused = errors.New("the function refuses")

// Generators are made anew each time: rapid's own are not for several goroutines,
// and tests run side by side.

func anyOf(of ...string) *rapid.Generator[string] { return rapid.SampledFrom(of) }

func anyID() *rapid.Generator[string] { return anyOf("a", "b", "c", "d", "长", "~") }

func anyText() *rapid.Generator[string] { return anyOf("", "a", "ab", "b", "中", "\x01", "z\x7f") }

func (m *machine) log(t *rapid.T) string {
	return m.name + "/" + anyOf("l", "l/1", "l/2", "l0").Draw(t, "log")
}

func (m *machine) entry(t *rapid.T) store.Entry {
	e := entry(m.log(t), fmt.Sprint(rapid.IntRange(1, 12).Draw(t, "entry")))
	e.Seal = rapid.IntRange(0, 30).Draw(t, "seal") == 0
	return e
}

func (m *machine) command(t *rapid.T) store.Command {
	cmd := command("c%d", rapid.IntRange(1, 40).Draw(t, "command"))
	cmd.Hash = anyOf("", "", "", "h").Draw(t, "hash")
	if rapid.IntRange(0, 5).Draw(t, "lease") == 0 {
		cmd.Lease, cmd.Epoch = "l", rapid.Int64Range(1, 4).Draw(t, "epoch")
	}
	return cmd
}

// change is what a function makes of a thing.
func (m *machine) change(t *rapid.T) func(*thing) ([]store.Entry, error) {
	v := thing{
		Name: anyText().Draw(t, "name"), Group: anyText().Draw(t, "group"), N: rapid.Int64Range(-2, 2).Draw(t, "n"),
		Code: anyText().Draw(t, "code"), Tags: rapid.SliceOfN(anyText(), 0, 3).Draw(t, "tags"),
	}
	var entries []store.Entry
	for range rapid.IntRange(0, 2).Draw(t, "entries") {
		e := m.entry(t)
		if rapid.Bool().Draw(t, "unnamed") {
			e.ID = ""
		}
		entries = append(entries, e)
	}
	how := rapid.IntRange(0, 9).Draw(t, "how")
	return func(d *thing) ([]store.Entry, error) {
		switch how {
		case 0:
			return nil, errRefused
		case 1:
			return nil, nil // changes nothing
		case 2:
			*d = v
			return entries, nil // without audit
		}
		*d = v
		return append([]store.Entry{store.Audit("thing.set", "", nil)}, entries...), nil
	}
}

func (m *machine) put(t *rapid.T) {
	id, cmd, fn := anyID().Draw(t, "id"), m.command(t), m.change(t)
	m.both("put "+id, func(i int) (any, error) { return m.cs[i].Put(m.s.ctx(), id, cmd, fn) })
}

func (m *machine) update(t *rapid.T) {
	id, cmd, fn := anyID().Draw(t, "id"), m.command(t), m.change(t)
	m.both("update "+id, func(i int) (any, error) { return m.cs[i].Update(m.s.ctx(), id, cmd, fn) })
}

func (m *machine) create(t *rapid.T) {
	id, cmd, fn := anyID().Draw(t, "id"), m.command(t), m.change(t)
	m.both("create "+id, func(i int) (any, error) { return m.cs[i].Create(m.s.ctx(), id, cmd, fn) })
}

func (m *machine) delete(t *rapid.T) {
	id, cmd, fn := anyID().Draw(t, "id"), m.command(t), m.change(t)
	m.both("delete "+id, func(i int) (any, error) { return nil, m.cs[i].Delete(m.s.ctx(), id, cmd, fn) })
}

// raw writes with any expectation; it writes nothing that the document does not
// hold already, so that the trails stay whole.
func (m *machine) raw(t *rapid.T) {
	id, expect := anyID().Draw(t, "id"), rapid.Int64Range(0, 3).Draw(t, "expect")
	m.both(fmt.Sprintf("write %s at %d", id, expect), func(i int) (any, error) {
		asked := int64(-1)
		err := m.dbs[i].Write(m.s.ctx(), store.Write{
			Collection: m.name, ID: id, Expect: expect + 1000,
			Again: func(d *store.Document) (*store.Write, error) {
				if asked = 0; d != nil {
					asked = d.Rev
				}
				return nil, nil
			},
		})
		if errors.Is(err, store.ErrConflict) {
			d, got := m.dbs[i].Get(m.s.ctx(), m.name, id)
			if asked, err = 0, nil; got == nil {
				asked = d.Rev
			}
		}
		return asked, err
	})
}

func (m *machine) append(t *rapid.T) {
	e := m.entry(t)
	m.both("append "+e.ID+" to "+e.Log, func(i int) (any, error) { return m.dbs[i].Append(m.s.ctx(), e) })
}

func (m *machine) key(t *rapid.T, label string) store.Key {
	switch rapid.IntRange(0, 3).Draw(t, label) {
	case 0:
		return store.K(anyText().Draw(t, label), rapid.IntRange(-2, 2).Draw(t, label))
	case 1:
		return store.K(anyText().Draw(t, label))
	}
	return ""
}

func (m *machine) find(t *rapid.T) {
	q := store.Query{
		Collection: m.name, Index: anyOf("", "group", "code", "tag", "none").Draw(t, "index"),
		Prefix: m.key(t, "prefix"), From: m.key(t, "from"), To: m.key(t, "to"),
		Descending: rapid.Bool().Draw(t, "descending"), Limit: rapid.IntRange(1, 8).Draw(t, "limit"),
	}
	if rapid.Bool().Draw(t, "after") {
		q.AfterID = anyID().Draw(t, "after id")
		if q.AfterKey = m.key(t, "after key"); q.Index == "" {
			q.AfterKey = store.Key(q.AfterID)
		}
	}
	m.both(fmt.Sprintf("find %+v", q), func(i int) (any, error) { return m.dbs[i].Find(m.s.ctx(), q) })
}

func (m *machine) read(t *rapid.T) {
	log, after, limit := m.log(t), rapid.Int64Range(0, 10).Draw(t, "after"), rapid.IntRange(1, 9).Draw(t, "limit")
	m.both("read "+log, func(i int) (any, error) { return m.dbs[i].Read(m.s.ctx(), log, after, limit) })
	m.both("logs "+log, func(i int) (any, error) {
		heads, err := m.dbs[i].Logs(m.s.ctx(), m.name+"/", log, limit)
		return slices.Clone(heads), err
	})
}

// all compares everything that is there.
func (m *machine) all() {
	for _, index := range []string{"", "group", "code", "tag"} {
		q := store.Query{Collection: m.name, Index: index, Limit: 1000}
		m.both("all by "+index, func(i int) (any, error) { return m.dbs[i].Find(m.s.ctx(), q) })
		m.compare(m.t)
	}
	heads, err := m.dbs[1].Logs(m.s.ctx(), "", "", 1000)
	if err != nil {
		m.t.Fatal(err)
	}
	for _, h := range heads {
		m.both("the whole of "+h.Log, func(i int) (any, error) { return m.dbs[i].Read(m.s.ctx(), h.Log, 0, 1000) })
		m.compare(m.t)
	}
}

// findModel asks a backend and [Memory] the same random questions about the same
// documents.
func findModel(s *suite) {
	m := &machine{s: s, name: "things", memory: &Memory{}}
	m.dbs = [2]store.DB{s.db, m.memory.Open("")}
	for i, db := range m.dbs {
		c := collect(s, db, thingSpec(m.name))
		n := 0
		for _, group := range []string{"", "a", "ab", "b", "中", "\x01"} {
			for _, id := range []string{"a", "b", "c", "d", "长", "~"} {
				n++
				v := thing{Group: group, N: int64(n%5) - 2, Code: fmt.Sprint(group, n), Tags: []string{group, id, "a"}}
				_, err := c.Create(s.ctx(), id+group, command("c"), set(v))
				s.no(err)
			}
		}
		m.cs[i] = c
	}
	rapid.Check(s.T, func(t *rapid.T) {
		m.diff = ""
		for range 8 {
			m.find(t)
			m.compare(t)
		}
	})
}
