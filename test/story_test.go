package test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"testing"
	"time"

	"hezuo/api/client"
	"hezuo/fault"
	"hezuo/identity"
	"hezuo/market"
	"hezuo/matching"
	"hezuo/realtime"
)

// story is one employer and one cooperative, from their sign-in to the file of
// their agreement, against a server that may die at any moment. What was not
// acknowledged is done again with the same key; what was acknowledged is kept, to
// be compared with what the store holds in the end.
type story struct {
	*town
	n    int
	rand *mathrand.Rand
	acks *tally // of all stories, for who waits to kill

	employer, coop       *person
	job, team, handshake string
	acts                 []act
	said                 []message
	logs                 map[string]*client.Log
	files                [][]byte
}

// act is an act that was acknowledged.
type act struct {
	who  *person
	path string
	key  string
	in   any
	got  seen
}

// message is a message that was acknowledged, with its number.
type message struct {
	n    int64
	by   string
	text string
}

// do is a [doer]: it repeats until there is an answer.
func (s *story) do(ctx context.Context, who *person, path string, in any) (seen, error) {
	a := act{who: who, path: path, key: rand.Text(), in: in}
	for {
		var err error
		a.got, err = client.Post[seen](ctx, who.c, path, in, client.WithKey(a.key))
		if err == nil {
			s.acts = append(s.acts, a)
			s.acks.add()
			return a.got, nil
		}
		if !lost(err) || ctx.Err() != nil {
			return seen{}, err
		}
	}
}

// lost says that it is not known whether an act was done.
func lost(err error) bool {
	var p *client.Problem
	return !errors.As(err, &p) || p.Status == http.StatusServiceUnavailable
}

// again does something that has no key of ours until it is answered.
func (s *story) again(ctx context.Context, what func() error) error {
	for {
		err := what()
		if err == nil || !lost(err) || ctx.Err() != nil {
			return err
		}
	}
}

// asked does what needs a code, with a new one where the first was for a request
// that was lost.
func (s *story) asked(ctx context.Context, what func() error) error {
	for try := 0; ; try++ {
		err := s.again(ctx, what)
		var p *client.Problem
		if !errors.As(err, &p) || try == 5 || p.Code != fault.Unauthenticated && p.Errors["code"] == (client.Wrong{}) {
			return err
		}
	}
}

// tell tells the whole story.
func (s *story) tell(ctx context.Context) error {
	for _, part := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"sign in", s.arrive},
		{"parties", s.register},
		{"device keys", s.keys},
		{"posts", s.post},
		{"handshake", s.shake},
		{"room", s.talk},
		{"terms", s.settle},
		{"signatures", s.signBoth},
		{"agreement", s.conclude},
	} {
		if err := part.do(ctx); err != nil {
			return fmt.Errorf("story %d: %s: %w", s.n, part.name, err)
		}
	}
	return nil
}

func (s *story) arrive(ctx context.Context) error {
	for _, who := range []**person{&s.employer, &s.coop} {
		w := &person{phone: s.phone(), c: client.New(s.url, web)}
		if err := s.asked(ctx, func() error {
			return w.c.SignIn(ctx, w.phone, s.phones.code(w.phone, identity.PurposeSignIn))
		}); err != nil {
			return err
		}
		*who = w
		s.acks.add()
	}
	return nil
}

func (s *story) register(ctx context.Context) error {
	if err := doer(s.do).party(ctx, s.employer, s.operator, s.form(market.Company, s.employer)); err != nil {
		return err
	}
	return doer(s.do).party(ctx, s.coop, s.operator, s.form(market.Cooperative, s.coop))
}

func (s *story) keys(ctx context.Context) error {
	for _, w := range []*person{s.employer, s.coop} {
		if err := s.asked(ctx, func() error { return doer(s.do).key(ctx, s.premises, w) }); err != nil {
			return err
		}
	}
	return nil
}

// post puts both posts on the market, in either order. Days and trade are the
// story's own, so that the engine matches nobody across stories; and unless the
// engine is to make the offer, the team asks for more than the job pays.
func (s *story) post(ctx context.Context) (err error) {
	trade := market.Trades()[s.n/100].Code
	period := days(2+3*(s.n%100), 2)
	job, team := jobBody(s.employer.party, period, 3), teamBody(s.coop.party, period, 3)
	job["trade"], team["trades"] = trade, []string{trade}
	if s.origin() != matching.FromEngine {
		team["lowest_pay_fen"] = 90_000_000
	}
	posts := []func() error{
		func() error { s.job, err = doer(s.do).job(ctx, s.employer, s.operator, job); return err },
		func() error { s.team, err = doer(s.do).team(ctx, s.coop, team); return err },
	}
	if s.rand.IntN(2) == 0 {
		posts[0], posts[1] = posts[1], posts[0]
	}
	return errors.Join(posts[0](), posts[1]())
}

func (s *story) origin() matching.Origin {
	return []matching.Origin{matching.FromEngine, matching.Invitation, matching.Application}[s.n%3]
}

// follow opens a person's socket and collects a log.
func (s *story) follow(ctx context.Context, who *person, name string) (*client.Socket, *client.Log, error) {
	var socket *client.Socket
	if err := s.again(ctx, func() (err error) { socket, err = who.c.Socket(ctx); return err }); err != nil {
		return nil, nil, err
	}
	log, err := socket.Follow(ctx, name, 0)
	if err != nil {
		socket.Close()
	}
	return socket, log, err
}

func (s *story) shake(ctx context.Context) error {
	choice := body{"team": s.team}
	switch s.origin() {
	case matching.Invitation:
		v, err := s.do(ctx, s.employer, "/v1/jobs/"+s.job+"/invitations", choice)
		if err != nil {
			return err
		}
		s.handshake = v.ID
	case matching.Application:
		v, err := s.do(ctx, s.coop, "/v1/jobs/"+s.job+"/applications", choice)
		if err != nil {
			return err
		}
		s.handshake = v.ID
	case matching.FromEngine:
		socket, inbox, err := s.follow(ctx, s.coop, client.InboxRoom)
		if err != nil {
			return err
		}
		defer socket.Close()
		e, err := told(ctx, inbox, "handshake.offer", s.job)
		if err != nil {
			return fmt.Errorf("the engine's offer: %w", err)
		}
		var news matching.News
		if err := json.Unmarshal(e.Body, &news); err != nil {
			return err
		}
		s.handshake = news.Handshake
	}
	for _, w := range []*person{s.coop, s.employer} { // who has said it says it again
		if _, err := s.do(ctx, w, "/v1/handshakes/"+s.handshake+"/yes", body{}); err != nil {
			return err
		}
	}
	return nil
}

// talk has both speak, over their sockets and over HTTP, and both listen.
func (s *story) talk(ctx context.Context) error {
	s.logs = map[string]*client.Log{}
	for _, w := range []*person{s.employer, s.coop} {
		socket, log, err := s.follow(ctx, w, s.handshake)
		if err != nil {
			return err
		}
		defer socket.Close()
		s.logs[w.id()] = log
		for i := range 4 {
			text := fmt.Sprintf("第%d个故事，%s的第%d句：%s", s.n, w.phone[7:], i, rand.Text())
			if i == 3 {
				v, err := s.do(ctx, w, "/v1/rooms/"+s.handshake+"/messages", body{"text": text})
				if err != nil {
					return err
				}
				s.said = append(s.said, message{v.N, w.id(), text})
				continue
			}
			raw, err := socket.Do(ctx, realtime.DoSay, s.handshake, body{"text": text})
			if err != nil {
				return err
			}
			var v seen
			if err := json.Unmarshal(raw, &v); err != nil {
				return err
			}
			s.said = append(s.said, message{v.N, w.id(), text})
			s.acks.add()
		}
	}
	last := s.said[len(s.said)-1]
	for _, log := range s.logs { // both have heard the last word
		if _, err := log.Wait(ctx, func(e realtime.Entry) bool { return e.N == last.n }); err != nil {
			return fmt.Errorf("the last message was not heard: %w", err)
		}
	}
	return nil
}

// settle changes the terms once, over a socket, and has both accept them.
func (s *story) settle(ctx context.Context) error {
	var h seen
	if err := s.again(ctx, func() (err error) {
		h, err = client.Get[seen](ctx, s.coop.c, "/v1/handshakes/"+s.handshake)
		return err
	}); err != nil {
		return err
	}
	terms := set(decoded(string(h.Terms.Terms)), "safety", "高处作业系安全带")
	var socket *client.Socket
	if err := s.again(ctx, func() (err error) { socket, err = s.coop.c.Socket(ctx); return err }); err != nil {
		return err
	}
	defer socket.Close()
	if _, err := socket.Do(ctx, realtime.DoPropose, s.handshake, body{"terms": terms, "after": h.Terms.Hash}); err != nil {
		return err
	}
	s.acks.add()
	return s.again(ctx, func() error { return doer(s.do).agree(ctx, s.handshake, s.coop, s.employer) })
}

func (s *story) signBoth(ctx context.Context) error {
	for _, w := range []*person{s.employer, s.coop} {
		var in body
		if err := s.again(ctx, func() (err error) { in, err = signatureBody(ctx, s.handshake, w); return err }); err != nil {
			return err
		}
		if _, err := s.do(ctx, w, "/v1/handshakes/"+s.handshake+"/signature", in); err != nil {
			return err
		}
	}
	return nil
}

// conclude waits for the agreement and takes both sides' files.
func (s *story) conclude(ctx context.Context) error {
	socket, inbox, err := s.follow(ctx, s.employer, client.InboxRoom)
	if err != nil {
		return err
	}
	defer socket.Close()
	if _, err := told(ctx, inbox, "agreement.signed", s.handshake); err != nil {
		return err
	}
	for _, w := range []*person{s.employer, s.coop} {
		if err := s.again(ctx, func() error {
			file, err := fileOf(ctx, w, s.handshake)
			if err == nil {
				s.files = append(s.files, file)
			}
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// deadline is how long all stories together may take.
func deadline() time.Duration {
	if proving() {
		return 30 * time.Minute
	}
	return 4 * time.Minute
}

// newsOf reads what an inbox was told of a handshake.
func newsOf(t testing.TB, e realtime.Entry) matching.News {
	t.Helper()
	var news matching.News
	if err := json.Unmarshal(e.Body, &news); err != nil {
		t.Fatal(err)
	}
	return news
}
