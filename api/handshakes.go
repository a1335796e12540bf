package api

import (
	"context"
	"time"

	"hezuo/fault"
	"hezuo/market"
	"hezuo/matching"
	"hezuo/store"
)

// HandshakeView is a handshake as its parties see it.
type HandshakeView struct {
	ID       string             `json:"id"`
	Market   string             `json:"market"`
	Job      string             `json:"job"`
	Team     string             `json:"team"`
	Origin   matching.Origin    `json:"origin"`
	Tier     int                `json:"tier"`
	State    matching.State     `json:"state"`
	People   int                `json:"people"`
	Period   market.Period      `json:"period"`
	Employer SideView           `json:"employer"`
	Owner    SideView           `json:"owner"`
	As       []matching.Role    `json:"as,omitempty" doc:"The sides that you act for"`
	Terms    *matching.Proposal `json:"terms,omitempty" doc:"The newest revision of the terms"`
	Deadline time.Time          `json:"deadline,omitzero" doc:"Until when the next step must be taken"`
	Ending   *matching.Ending   `json:"ending,omitempty"`
	Score    matching.Score     `json:"score"`
	Created  time.Time          `json:"created"`
	Rev      int64              `json:"rev"`
}

// SideView is one side of a handshake.
type SideView struct {
	Party    string    `json:"party"`
	Yes      time.Time `json:"yes,omitzero" doc:"When it said yes"`
	Accepted string    `json:"accepted,omitempty" doc:"Hash of the terms that it accepted"`
	Signed   time.Time `json:"signed,omitzero" doc:"When it signed"`
}

func sideView(s matching.Side) SideView {
	v := SideView{Party: s.Party}
	if s.Yes != nil {
		v.Yes = s.Yes.At
	}
	if s.Accepted != nil {
		v.Accepted = s.Accepted.Hash
	}
	if s.Signed != nil {
		v.Signed = s.Signed.At
	}
	return v
}

func handshakeView(by market.Caller) func(store.Item[matching.Handshake]) HandshakeView {
	return func(it store.Item[matching.Handshake]) HandshakeView {
		h := it.Doc
		return HandshakeView{
			ID: it.ID, Market: h.Market, Job: h.Job, Team: h.Team, Origin: h.Origin, Tier: h.Tier, State: h.State,
			People: h.People, Period: h.Period, Employer: sideView(h.Employer), Owner: sideView(h.Owner), As: h.Roles(by),
			Terms: h.Newest(), Deadline: h.Deadline, Ending: h.Ending, Score: h.Score, Created: h.Created, Rev: it.Rev,
		}
	}
}

// admitted answers an invitation or application, or why the job does not admit
// it.
func admitted(it store.Item[matching.Handshake], err error, by market.Caller) (*of[HandshakeView], error) {
	if err == nil && !it.Repeated && it.Doc.State == matching.Withdrawn && it.Doc.Ending != nil {
		return nil, fault.New(fault.Conflict, "%s", it.Doc.Ending.Reason)
	}
	return one(it, err, handshakeView(by))
}

// HandshakePath names a handshake, and its room.
type HandshakePath struct {
	Handshake string `path:"handshake"`
}

func (s *Server) handshake(ctx context.Context, in *HandshakePath) (*of[HandshakeView], error) {
	by := visitorOf(ctx).caller
	it, err := s.cfg.Handshakes.Get(ctx, by, in.Handshake)
	return one(it, err, handshakeView(by))
}

func (s *Server) partyHandshakes(ctx context.Context, in *struct {
	PartyPath
	Paging
},
) (*of[Page[HandshakeView]], error) {
	by := visitorOf(ctx).caller
	p, err := s.cfg.Handshakes.OfParty(ctx, by, in.Party, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	return page(p, handshakeView(by)), nil
}

// As says for which side somebody acts who acts for both.
type As struct {
	As matching.Role `json:"as,omitempty" enum:"employer,owner" doc:"Your side; needed only if you act for both"`
}

// event does one event of the visitor on a handshake.
func (s *Server) event(ctx context.Context, id string, e matching.Event,
	do func(context.Context, market.Caller, store.Command, string, matching.Event) (store.Item[matching.Handshake], error),
) (*of[HandshakeView], error) {
	by, cmd := s.act(ctx)
	it, err := do(ctx, by, cmd, id, e)
	return one(it, err, handshakeView(by))
}

// asIn is a request that says nothing but the side.
type asIn struct {
	HandshakePath
	Body As
}

// reasonIn is a request with a reason.
type reasonIn struct {
	HandshakePath
	Body struct {
		As
		Reason
	}
}

func (in *reasonIn) event() matching.Event {
	return matching.Event{As: in.Body.As.As, Reason: in.Body.Reason.Reason}
}

func (s *Server) yes(ctx context.Context, in *asIn) (*of[HandshakeView], error) {
	return s.event(ctx, in.Handshake, matching.Event{As: in.Body.As}, s.cfg.Handshakes.Yes)
}

func (s *Server) decline(ctx context.Context, in *reasonIn) (*of[HandshakeView], error) {
	return s.event(ctx, in.Handshake, in.event(), s.cfg.Handshakes.Decline)
}

func (s *Server) withdraw(ctx context.Context, in *reasonIn) (*of[HandshakeView], error) {
	return s.event(ctx, in.Handshake, in.event(), s.cfg.Handshakes.Withdraw)
}

func (s *Server) refuse(ctx context.Context, in *reasonIn) (*of[HandshakeView], error) {
	return s.event(ctx, in.Handshake, in.event(), s.cfg.Handshakes.Refuse)
}

func (s *Server) breakOff(ctx context.Context, in *reasonIn) (*of[HandshakeView], error) {
	return s.event(ctx, in.Handshake, in.event(), s.cfg.Handshakes.BreakOff)
}

func (s *Server) propose(ctx context.Context, in *struct {
	HandshakePath
	Body struct {
		As
		Terms market.Terms `json:"terms"`
		After string       `json:"after" maxLength:"64" doc:"Hash of the terms that these answer: the newest that you have seen"`
	}
},
) (*of[HandshakeView], error) {
	return s.event(ctx, in.Handshake, matching.Event{As: in.Body.As.As, Terms: in.Body.Terms, Hash: in.Body.After}, s.cfg.Handshakes.Propose)
}

func (s *Server) accept(ctx context.Context, in *struct {
	HandshakePath
	Body struct {
		As
		Hash string `json:"hash" maxLength:"64" doc:"Hash of the terms that you accept: the newest"`
	}
},
) (*of[HandshakeView], error) {
	return s.event(ctx, in.Handshake, matching.Event{As: in.Body.As.As, Hash: in.Body.Hash}, s.cfg.Handshakes.Accept)
}

func (s *Server) roomEntries(ctx context.Context, in *struct {
	HandshakePath
	Since
},
) (*of[Entries], error) {
	list, err := s.cfg.Rooms.Entries(ctx, visitorOf(ctx).caller, in.Handshake, in.After, in.Limit)
	if err != nil {
		return nil, err
	}
	return entries(list, in.After), nil
}

// MessageNumber is a message's number in its room.
type MessageNumber struct {
	N int64 `json:"n"`
}

func (s *Server) say(ctx context.Context, in *struct {
	HandshakePath
	Body struct {
		Text string `json:"text" minLength:"1" maxLength:"2000"`
	}
},
) (*of[MessageNumber], error) {
	v := visitorOf(ctx)
	n, err := s.cfg.Rooms.Say(ctx, v.caller, in.Handshake, v.key, in.Body.Text, s.cfg.Now())
	if err != nil {
		return nil, err
	}
	return answered(MessageNumber{n}, 0), nil
}
