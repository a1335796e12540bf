package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"hezuo/store"
)

// entriesIff has writers race, some of which fail after their entries were made,
// and then compares the feed with the trails: an entry is there if and only if
// its change is.
func entriesIff(s *suite) {
	c := s.things()
	const docs = 4
	for i := range docs {
		_, err := c.Create(s.ctx(), fmt.Sprint(i), command("c"), set(thing{Code: fmt.Sprint("code", i)}, said(i, "c")...))
		s.no(err)
	}
	rounds := count(20, 100)
	parallel(8, func(worker int) {
		for i := range rounds {
			doc := (worker + i) % docs
			id := fmt.Sprintf("%d-%d", worker, i)
			_, err := c.Update(s.ctx(), fmt.Sprint(doc), command("%s", id), func(d *thing) ([]store.Entry, error) {
				d.N++
				if i%5 == 3 { // another holds this code
					d.Code = fmt.Sprint("code", (doc+1)%docs)
				}
				return append([]store.Entry{store.Audit("thing.say", "", nil)}, said(doc, id)...), nil
			})
			if refused := i%5 == 3; refused != errors.Is(err, store.ErrDuplicate) || !refused && err != nil {
				s.Errorf("update %s: %v", id, err)
			}
		}
	})
	feed := everything(s, "feed")
	if want := docs + 8*(rounds-(rounds+1)/5); len(feed) != want {
		s.Errorf("%d entries in the feed for %d changes", len(feed), want)
	}
	for i := range docs {
		trail := everything(s, store.AuditLog("things", fmt.Sprint(i)))
		own := everything(s, fmt.Sprint("own/", i))
		if len(trail) != len(own) {
			s.Fatalf("document %d: %d audit records and %d entries", i, len(trail), len(own))
		}
		for j, r := range trail {
			var rec store.AuditRecord
			s.no(json.Unmarshal(r.Body, &rec))
			if own[j].Kind != rec.Command {
				s.Fatalf("document %d: entry %d is of %s, the change of %s", i, j+1, own[j].Kind, rec.Command)
			}
		}
	}
}

// said are the entries of a change: in a feed of all, and in one of its own.
func said(doc int, what string) []store.Entry {
	return []store.Entry{{Log: "feed", Kind: what}, {Log: fmt.Sprint("own/", doc), Kind: what}}
}

// everything reads a log to its end, and proves that its numbers have no gaps.
func everything(s *suite, log string) []store.Record {
	s.Helper()
	var all []store.Record
	for {
		page, err := s.db.Read(s.ctx(), log, int64(len(all)), 100)
		s.no(err)
		for _, r := range page {
			all = append(all, r)
			if r.N != int64(len(all)) || r.Log != log {
				s.Fatalf("record %d of %s is number %d of %s", len(all), log, r.N, r.Log)
			}
		}
		if len(page) < 100 {
			return all
		}
	}
}

// entriesWithIDs has several changes say the same thing: it is in the log once,
// and every change is done.
func entriesWithIDs(s *suite) {
	c := s.things()
	entry := store.Entry{Log: "feed/a", ID: "once", Kind: "k", Body: json.RawMessage(`{"a":1}`)}
	_, err := s.db.Append(s.ctx(), store.Entry{Log: "feed/a", ID: "first", Kind: "k", At: start})
	s.no(err)
	for i := range 3 {
		it, err := c.Put(s.ctx(), "a", command("c%d", i), set(thing{N: int64(i)}, entry))
		s.no(err)
		if it.Rev != int64(i+1) {
			s.Fatalf("write %d made revision %d", i, it.Rev)
		}
	}
	feed := everything(s, "feed/a")
	if len(feed) != 2 || feed[1].ID != "once" {
		s.Fatalf("the feed is %+v", feed)
	}
	n, err := s.db.Append(s.ctx(), entry)
	s.no(err)
	if n != 2 {
		s.Fatalf("appended again as %d", n)
	}
}

// entryTimes proves that an entry comes back as it was given.
func entryTimes(s *suite) {
	east := time.FixedZone("east", 8*3600)
	entries := []store.Entry{
		{Log: "l", ID: "1", Kind: "k", At: time.Date(2026, 5, 1, 8, 0, 0, 123456789, east), Body: json.RawMessage(`{"text":"洽谈 \u0000 ok","n":1.50}`)},
		{Log: "l", ID: "2/with:odd ids\x01", Kind: "", At: time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC)},
		{Log: "l", ID: "3", Kind: "最后", At: start, Body: json.RawMessage(`{}`), Seal: true},
	}
	for _, e := range entries {
		_, err := s.db.Append(s.ctx(), e)
		s.no(err)
	}
	for i, r := range everything(s, "l") {
		want := entries[i]
		want.At = want.At.UTC()
		if d := diff(want, r.Entry); d != "" {
			s.Error(d)
		}
	}
}
