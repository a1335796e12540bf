package test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"hezuo/agreement"
	"hezuo/api/client"
	"hezuo/realtime"
)

// fileOf takes the file of a handshake's agreement.
func fileOf(ctx context.Context, who *person, handshake string) ([]byte, error) {
	var file []byte
	_, err := who.c.Do(ctx, "POST", "/v1/agreements/"+agreement.ID(handshake)+"/file", body{}, &file)
	return file, err
}

// later says, of each kind of document, which states come after which.
var later = map[string][]string{
	"parties":    {"pending", "verified"},
	"jobs":       {"draft", "in_review", "open", "filled"},
	"teams":      {"draft", "open"},
	"handshakes": {"offered", "negotiating", "agreed", "signed", "working", "done"},
}

// verify compares what was acknowledged to one story with what a server says in
// the end.
func (s *story) verify(ctx context.Context, t *testing.T, srv *server, keys jose.JSONWebKeySet) {
	t.Helper()
	for _, a := range s.acts {
		s.stands(ctx, t, a)
	}
	s.repeatAll(t, srv)
	s.counts(ctx, t)
	s.room(ctx, t)
	for _, log := range []string{"/v1/me/inbox"} {
		for _, w := range []*person{s.employer, s.coop} {
			gapless(t, fmt.Sprintf("story %d: %s", s.n, log), entriesOf(ctx, t, w, log))
		}
	}
	for i, file := range s.files {
		if r := agreement.VerifyFile(file, keys); !r.OK || !r.Trusted {
			t.Errorf("story %d: file %d does not verify: %+v", s.n, i, r.Findings)
		}
		if now, err := fileOf(ctx, []*person{s.employer, s.coop}[i], s.handshake); err != nil || !bytes.Equal(now, file) {
			t.Errorf("story %d: the agreement's file has changed: %v", s.n, err)
		}
	}
	if len(s.files) != 2 {
		t.Errorf("story %d has %d files", s.n, len(s.files))
	}
}

// stands sees that an acknowledged act is in its document, which is in the state
// that was acknowledged or a later one.
func (s *story) stands(ctx context.Context, t *testing.T, a act) {
	t.Helper()
	collection := strings.Split(a.path, "/")[2]
	if strings.HasSuffix(a.path, "/invitations") || strings.HasSuffix(a.path, "/applications") {
		collection = "handshakes"
	}
	order := later[collection]
	if order == nil || a.got.ID == "" {
		return // a key or a message: seen to elsewhere
	}
	now, err := client.Get[seen](ctx, a.who.c, "/v1/"+collection+"/"+a.got.ID)
	if err != nil {
		t.Errorf("story %d: what was acknowledged is not there: POST %s: %v", s.n, a.path, err)
		return
	}
	was, is := slices.Index(order, a.got.State), slices.Index(order, now.State)
	if now.Rev < a.got.Rev || was < 0 || is < was {
		t.Errorf("story %d: POST %s acknowledged revision %d, %s; now it is revision %d, %s", s.n, a.path, a.got.Rev, a.got.State, now.Rev, now.State)
	}
}

// repeatAll sends every acknowledged request once more: none makes a second thing.
func (s *story) repeatAll(t *testing.T, srv *server) {
	t.Helper()
	for _, a := range s.acts {
		got := srv.ask(request{method: "POST", path: a.path, token: a.who.token(), body: a.in, header: map[string][]string{"Idempotency-Key": {a.key}}})
		if a.in == nil {
			got.body = bytes.TrimSpace(got.body)
		}
		var again seen
		if err := json.Unmarshal(got.body, &again); got.status > 299 || err != nil || again.ID != a.got.ID || again.N != a.got.N {
			t.Errorf("story %d: POST %s again: %d %s, and it was %+v", s.n, a.path, got.status, got.body, a.got)
		}
	}
}

// counts sees that there is one of everything.
func (s *story) counts(ctx context.Context, t *testing.T) {
	t.Helper()
	for _, c := range []struct {
		who  *person
		path string
		id   string
	}{
		{s.employer, "/v1/parties/" + s.employer.party + "/jobs", s.job},
		{s.coop, "/v1/parties/" + s.coop.party + "/teams", s.team},
		{s.employer, "/v1/parties/" + s.employer.party + "/handshakes", s.handshake},
		{s.coop, "/v1/parties/" + s.coop.party + "/handshakes", s.handshake},
		{s.employer, "/v1/parties/" + s.employer.party + "/agreements", agreement.ID(s.handshake)},
		{s.coop, "/v1/parties/" + s.coop.party + "/agreements", agreement.ID(s.handshake)},
		{s.employer, "/v1/me/parties", s.employer.party},
		{s.coop, "/v1/me/parties", s.coop.party},
	} {
		list, err := client.Get[struct {
			Items []seen `json:"items"`
		}](ctx, c.who.c, c.path)
		if err != nil || len(list.Items) != 1 || list.Items[0].ID != c.id {
			t.Errorf("story %d: %s is not %s alone: %+v %v", s.n, c.path, c.id, list.Items, err)
		}
	}
	for _, w := range []*person{s.employer, s.coop} {
		me, err := client.Get[struct {
			Keys []struct {
				Thumbprint string `json:"thumbprint"`
			} `json:"device_keys"`
		}](ctx, w.c, "/v1/me")
		if err != nil || len(me.Keys) != 1 || me.Keys[0].Thumbprint != w.device.Thumbprint() {
			t.Errorf("story %d: the device keys are %+v, not %s alone: %v", s.n, me.Keys, w.device.Thumbprint(), err)
		}
	}
	h, err := client.Get[seen](ctx, s.employer.c, "/v1/handshakes/"+s.handshake)
	if err != nil || h.State != "signed" {
		t.Errorf("story %d ends %s: %v", s.n, h.State, err)
	}
}

// room compares the room with what was said in it, and with what each side heard.
func (s *story) room(ctx context.Context, t *testing.T) {
	t.Helper()
	entries := entriesOf(ctx, t, s.employer, "/v1/rooms/"+s.handshake+"/entries")
	gapless(t, fmt.Sprintf("story %d: the room", s.n), entries)
	if other := entriesOf(ctx, t, s.coop, "/v1/rooms/"+s.handshake+"/entries"); !same(entries, other) {
		t.Errorf("story %d: the two sides read different rooms", s.n)
	}
	said := 0
	for _, e := range entries {
		if e.Kind == realtime.KindSay {
			said++
		}
	}
	if said != len(s.said) {
		t.Errorf("story %d: %d messages were said, and the room has %d", s.n, len(s.said), said)
	}
	for _, m := range s.said {
		if m.n < 1 || m.n > int64(len(entries)) {
			t.Errorf("story %d: message %d is not there", s.n, m.n)
			continue
		}
		var got realtime.Said
		if err := json.Unmarshal(entries[m.n-1].Body, &got); err != nil || got.Text != m.text || got.By != m.by {
			t.Errorf("story %d: message %d is %+v, and it was acknowledged as %+v", s.n, m.n, got, m)
		}
	}
	for who, log := range s.logs {
		if heard := log.Entries(); len(heard) == 0 || !same(entries[:len(heard)], heard) {
			t.Errorf("story %d: %s heard another room than there is", s.n, who)
		}
	}
}

func same(a, b []realtime.Entry) bool {
	return slices.EqualFunc(a, b, func(a, b realtime.Entry) bool {
		return a.N == b.N && a.Kind == b.Kind && a.At.Equal(b.At) && bytes.Equal(a.Body, b.Body)
	})
}

// entriesOf reads a log from its beginning.
func entriesOf(ctx context.Context, t *testing.T, who *person, path string) []realtime.Entry {
	t.Helper()
	var out []realtime.Entry
	for {
		page, err := client.Get[struct {
			Entries []realtime.Entry `json:"entries"`
			Last    int64            `json:"last"`
		}](ctx, who.c, fmt.Sprintf("%s?after=%d&limit=200", path, len(out)))
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Entries) == 0 {
			return out
		}
		out = append(out, page.Entries...)
	}
}

// gapless sees that a log is numbered from 1 on.
func gapless(t *testing.T, name string, entries []realtime.Entry) {
	t.Helper()
	for i, e := range entries {
		if e.N != int64(i+1) {
			t.Errorf("%s has number %d in place %d", name, e.N, i+1)
			return
		}
	}
}
