package realtime_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"hezuo/fault"
	"hezuo/matching"
	"hezuo/realtime"
	"hezuo/store"
)

// peer is a client on a real socket.
type peer struct {
	t       testing.TB
	ws      *websocket.Conn
	answers chan message
	pushes  chan message
}

type message struct {
	Re    string          `json:"re"`
	OK    bool            `json:"ok"`
	Error *problem        `json:"error"`
	Push  string          `json:"push"`
	Log   string          `json:"log"`
	N     int64           `json:"n"`
	Kind  string          `json:"kind"`
	Body  json.RawMessage `json:"body"`
}

type problem struct {
	Code  fault.Code `json:"code"`
	Field string     `json:"field"`
}

type joined struct {
	Entries []realtime.Entry `json:"entries"`
	Last    int64            `json:"last"`
	More    bool             `json:"more"`
}

func (h *house) connect(as string) *peer {
	h.t.Helper()
	ws, res, err := websocket.DefaultDialer.DialContext(h.t.Context(), "ws://"+h.site.addr+"/"+as, nil)
	h.must(err)
	h.must(res.Body.Close())
	p := &peer{t: h.t, ws: ws, answers: make(chan message, 1024), pushes: make(chan message, 4096)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			var m message
			if err := ws.ReadJSON(&m); err != nil {
				close(p.pushes)
				return
			}
			if m.Push != "" {
				p.pushes <- m
			} else {
				p.answers <- m
			}
		}
	}()
	h.t.Cleanup(func() { _ = ws.Close(); <-done })
	return p
}

// ask sends a request and gives its answer.
func (p *peer) ask(id, do, room string, since int64, body any) message {
	p.t.Helper()
	req := map[string]any{"id": id, "do": do}
	if room != "" {
		req["room"] = room
	}
	if do == "join" {
		req["since"] = since
	}
	if body != nil {
		req["body"] = body
	}
	if err := p.ws.WriteJSON(req); err != nil {
		p.t.Fatal(err)
	}
	m := await(p.t, p.answers, "the answer to "+id)
	if m.Re != id {
		p.t.Fatalf("%s was answered with %s", id, m.Re)
	}
	return m
}

func (p *peer) join(room string, since int64) joined {
	p.t.Helper()
	m := p.ask(fmt.Sprintf("join-%s-%d", room, since), "join", room, since, nil)
	if !m.OK {
		p.t.Fatalf("joining %s: %+v", room, m.Error)
	}
	var j joined
	if err := json.Unmarshal(m.Body, &j); err != nil {
		p.t.Fatal(err)
	}
	return j
}

func say(text string) map[string]string { return map[string]string{"text": text} }

func TestRoom(t *testing.T) {
	h := newHouse(t)
	employer, leader := h.connect("employer"), h.connect("leader")
	first := employer.join(h.handshake, 0)
	if len(first.Entries) != 1 || first.Entries[0].Kind != matching.KindTalk || first.Last != 1 {
		t.Fatalf("the room begins with %+v, want the opening terms", first)
	}
	var opening realtime.Proposed
	if err := json.Unmarshal(first.Entries[0].Body, &opening); err != nil || opening.Terms.Terms.Task != "采摘苹果并装箱" {
		t.Fatalf("the opening terms are %s", first.Entries[0].Body)
	}
	leader.join(h.handshake, 0)

	const secret = "周四早上六点半，村口集合"
	if m := leader.ask("m-1", "say", h.handshake, 0, say(secret)); !m.OK || string(m.Body) != `{"n":2}` {
		t.Fatalf("saying something: %+v", m)
	}
	if m := leader.ask("m-1", "say", h.handshake, 0, say(secret)); string(m.Body) != `{"n":2}` {
		t.Fatalf("the repeat: %s, want the number that it has", m.Body)
	}
	for _, p := range []*peer{employer, leader} {
		m := await(t, p.pushes, "what was said")
		var s realtime.Said
		if err := json.Unmarshal(m.Body, &s); err != nil || m.N != 2 || s.Text != secret || s.As != matching.Owner || s.By != h.leader.Person {
			t.Fatalf("pushed %+v %s", m, m.Body)
		}
	}
	raw, err := os.ReadFile(h.path + "-wal")
	h.must(err)
	if bytes.Contains(raw, []byte(secret)) {
		t.Error("what was said is in the store in the clear")
	}

	terms := opening.Terms.Terms
	terms.Pay.Amount = 13000
	if m := leader.ask("p-1", "propose", h.handshake, 0, map[string]any{"terms": terms, "after": opening.Terms.Hash}); !m.OK {
		t.Fatalf("proposing: %+v", m.Error)
	}
	if m := employer.ask("a-1", "accept", h.handshake, 0, map[string]string{"hash": opening.Terms.Hash}); m.Error == nil || m.Error.Code != fault.Stale {
		t.Fatalf("an acceptance that crosses a newer proposal: %+v, want stale", m)
	}
	for _, p := range []*peer{employer, leader} {
		m := await(t, p.pushes, "the proposal")
		var said realtime.Proposed
		if err := json.Unmarshal(m.Body, &said); err != nil || m.N != 3 || said.Terms.Terms.Pay.Amount != 13000 || said.Terms.Side != matching.Owner {
			t.Fatalf("pushed %+v %s", m, m.Body)
		}
	}
	if m := employer.ask("w-1", "withdraw", h.handshake, 0, map[string]string{"reason": "the rain has come early"}); !m.OK {
		t.Fatalf("withdrawing: %+v", m.Error)
	}
	for _, p := range []*peer{employer, leader} {
		if m := await(t, p.pushes, "the end"); m.N != 4 || m.Kind != "handshake.withdraw" {
			t.Fatalf("pushed %+v", m)
		}
	}
	if m := leader.ask("m-2", "say", h.handshake, 0, say("你好")); m.Error == nil || m.Error.Code != fault.Gone {
		t.Fatalf("speaking in a room that has ended: %+v, want gone", m)
	}
	if back := leader.join(h.handshake, 2); len(back.Entries) != 2 || back.Last != 4 {
		t.Fatalf("coming back with 2: %+v, want 3 and 4", back)
	}
	h.check()
}

func TestRoomRefuses(t *testing.T) {
	h := newHouse(t)
	stranger, leader := h.connect("stranger"), h.connect("leader")
	refused := func(m message, code fault.Code, field string) {
		t.Helper()
		if m.Error == nil || m.Error.Code != code || m.Error.Field != field {
			t.Errorf("got %+v, want %s on %q", m.Error, code, field)
		}
	}
	refused(stranger.ask("1", "join", h.handshake, 0, nil), fault.NotFound, "")
	refused(stranger.ask("2", "say", h.handshake, 0, say("你好")), fault.NotFound, "")
	refused(stranger.ask("3", "accept", h.handshake, 0, map[string]string{"hash": "x"}), fault.NotFound, "")
	refused(leader.ask("4", "join", "nothing", 0, nil), fault.NotFound, "")
	refused(leader.ask("5", "say", h.handshake, 0, say(" ")), fault.Invalid, "text")
	refused(leader.ask("6", "say", h.handshake, 0, say(strings.Repeat("长", realtime.MaxText+1))), fault.Invalid, "text")
	refused(leader.ask("7", "dance", h.handshake, 0, nil), fault.Invalid, "do")
	refused(leader.ask("8", "propose", h.handshake, 0, map[string]string{"after": "x"}), fault.Invalid, "terms")
	if m := leader.ask("9", "ping", "", 0, nil); !m.OK {
		t.Errorf("ping: %+v", m)
	}
	if j := stranger.join("inbox", 0); len(j.Entries) != 0 {
		t.Errorf("a stranger's inbox has %+v", j.Entries)
	}
	if j := leader.join("inbox", 0); len(j.Entries) == 0 {
		t.Error("the leader's inbox is empty, want the invitation")
	}
	h.check()
}

// TestSignedOut ends a connection whose session was ended elsewhere, whether or not
// it asks for anything, and nothing more is said on it.
func TestSignedOut(t *testing.T) {
	h := newHouse(t)
	leader := h.connect("leader")
	leader.join(h.handshake, 0)
	h.must(h.people.SignOut(t.Context(), store.Command{ID: "out", Actor: h.leader.Person, At: time.Now()}, h.leader.Principal))
	_ = leader.ws.WriteJSON(map[string]any{"id": "m-1", "do": "say", "room": h.handshake, "body": say("你好")}) // it may be closed by now
	for m := range leader.pushes {                                                                            // until the connection ends
		t.Errorf("pushed after signing out: %+v", m)
	}
	idle := h.connect("leader")
	for m := range idle.pushes {
		t.Errorf("pushed after signing out: %+v", m)
	}
	entries, err := h.db.Read(t.Context(), matching.RoomLog(h.handshake), 1, 10)
	h.must(err)
	if len(entries) != 0 {
		t.Errorf("said after signing out: %d entries", len(entries))
	}
}

// TestDismissed takes a connection out of a room that its person may not be in any
// more.
func TestDismissed(t *testing.T) {
	h := newHouse(t)
	successor := h.person("13900000004")
	leader := h.connect("leader")
	leader.join(h.handshake, 0)
	by, cmd := h.act(h.leader)
	hs, err := h.handshakes.Get(t.Context(), by, h.handshake)
	h.must(err)
	_, err = h.board.AdmitPerson(t.Context(), by, cmd, hs.Doc.Owner.Party, successor.Person)
	h.must(err)
	_, err = h.board.DismissPerson(t.Context(), by, by.Command("dismiss", time.Now()), hs.Doc.Owner.Party, h.leader.Person)
	h.must(err)
	if m := leader.ask("m-1", "say", h.handshake, 0, say("你好")); m.Error == nil || m.Error.Code != fault.NotFound {
		t.Fatalf("said after dismissal: %+v", m)
	}
	employer, _ := h.act(h.employer)
	for n := 0; ; n++ { // until a word is said that does not come
		if n == 500 {
			t.Fatal("the dismissed still hears what is said")
		}
		_, err := h.rooms.Say(t.Context(), employer, h.handshake, fmt.Sprint(n), "还在吗", time.Now())
		h.must(err)
		leader.ask(fmt.Sprintf("ping-%d", n), "ping", "", 0, nil)
		select {
		case <-leader.pushes:
		case <-time.After(100 * time.Millisecond):
			return
		}
	}
}

// TestOneOrderForAll has connections come and go at any moment while others talk:
// each sees every number once, in order, and all see the same.
func TestOneOrderForAll(t *testing.T) {
	h := newHouse(t)
	const talkers, words, listeners = 3, 40, 6
	last := int64(1 + talkers*words)
	var talking, listening sync.WaitGroup
	seen := make([]map[int64]string, listeners)
	for i := range listeners {
		seen[i] = map[int64]string{}
		listening.Go(func() {
			h.listen([]string{"employer", "leader"}[i%2], last, seen[i], rand.New(rand.NewPCG(uint64(i), 7)))
		})
	}
	for i := range talkers {
		by, _ := h.act(h.leader)
		talking.Go(func() {
			for n := range words {
				if _, err := h.rooms.Say(t.Context(), by, h.handshake, fmt.Sprintf("t%d-%d", i, n), fmt.Sprintf("第%d句", n), time.Now()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	talking.Wait()
	listening.Wait()
	for i := range seen {
		for n := int64(1); n <= last; n++ {
			if seen[i][n] == "" || seen[i][n] != seen[0][n] {
				t.Fatalf("listener %d has %q as number %d, the first has %q", i, seen[i][n], n, seen[0][n])
			}
		}
	}
	h.check()
}

// listen follows the room to its last number over connections that break.
func (h *house) listen(as string, last int64, seen map[int64]string, r *rand.Rand) {
	at := int64(0)
	take := func(n int64, body json.RawMessage) {
		if n != at+1 {
			h.t.Errorf("%s: number %d follows %d", as, n, at)
		}
		at = n
		seen[n] = string(body)
	}
	for at < last && !h.t.Failed() {
		p := h.connect(as)
		for {
			j := p.join(h.handshake, at)
			for _, e := range j.Entries {
				take(e.N, e.Body)
			}
			if !j.More {
				break
			}
		}
		for stay := 1 + r.IntN(20); stay > 0 && at < last; stay-- {
			m := await(h.t, p.pushes, "what is said next")
			take(m.N, m.Body)
		}
		_ = p.ws.Close()
	}
}

// check proves the store.
func (h *house) check() {
	h.t.Helper()
	report := &store.Report{}
	h.must(store.CheckLogs(h.t.Context(), h.db, report))
	h.must(store.CheckTrails(h.t.Context(), h.db, append(h.board.Collections(), h.handshakes.Collection()), report))
	h.must(h.rooms.Check(h.t.Context(), report))
	for _, f := range report.Findings {
		h.t.Errorf("check: %+v", f)
	}
}
