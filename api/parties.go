package api

import (
	"context"
	"time"

	"hezuo/market"
	"hezuo/store"
)

// PartyView is a party as people see it. Its personal data is not in it: a
// contact is asked for.
type PartyView struct {
	ID          string              `json:"id"`
	Kind        market.PartyKind    `json:"kind"`
	Market      string              `json:"market"`
	Name        string              `json:"name" doc:"Of an individual: masked"`
	CreditCode  string              `json:"credit_code,omitempty"`
	Licence     *market.Licence     `json:"licence,omitempty"`
	Members     int                 `json:"members,omitempty"`
	FarmerShare int                 `json:"farmer_share,omitempty"`
	Tier        int                 `json:"tier" doc:"1 cooperatives, 2 licensed agencies that work with cooperatives, 3 others"`
	State       market.Verification `json:"state"`
	Reason      string              `json:"reason,omitempty" doc:"The operator's, for those who act for the party"`
	Until       time.Time           `json:"until,omitzero" doc:"When it must be verified again"`
	People      []string            `json:"people,omitempty" doc:"Who act for it; for them and operators"`
	Created     time.Time           `json:"created"`
	Rev         int64               `json:"rev"`
}

// partyView gives how one visitor sees parties.
func (s *Server) partyView(by market.Caller) func(store.Item[market.Party]) PartyView {
	return func(it store.Item[market.Party]) PartyView {
		p := it.Doc
		v := PartyView{
			ID: it.ID, Kind: p.Kind, Market: p.Market, Name: p.Name, CreditCode: p.CreditCode, Licence: p.Licence,
			Members: p.Members, FarmerShare: p.FarmerShare, Tier: p.Tier(s.cfg.Now()), State: p.State, Created: p.Created, Rev: it.Rev,
		}
		if by.ActsFor(it.ID) || by.Reads(p.Market) {
			v.People = p.People
			if p.Checked != nil {
				v.Reason, v.Until = p.Checked.Reason, p.Checked.Until
			}
		}
		return v
	}
}

// PartyPath names a party.
type PartyPath struct {
	Party string `path:"party"`
}

func (s *Server) createParty(ctx context.Context, in *struct{ Body market.PartyForm }) (*of[PartyView], error) {
	by, cmd := s.act(ctx)
	it, err := s.cfg.Board.CreateParty(ctx, by, cmd, in.Body)
	if err == nil {
		by.Parties[it.ID] = it.Doc.Kind
	}
	return one(it, err, s.partyView(by))
}

func (s *Server) party(ctx context.Context, in *PartyPath) (*of[PartyView], error) {
	by := visitorOf(ctx).caller
	it, err := s.cfg.Board.Party(ctx, by, in.Party)
	return one(it, err, s.partyView(by))
}

func (s *Server) myParties(ctx context.Context, _ *nothing) (*of[Page[PartyView]], error) {
	by := visitorOf(ctx).caller
	p, err := s.cfg.Board.PartiesOf(ctx, by)
	if err != nil {
		return nil, err
	}
	return page(p, s.partyView(by)), nil
}

func (s *Server) editParty(ctx context.Context, in *struct {
	PartyPath
	Body market.PartyForm
},
) (*of[PartyView], error) {
	by, cmd := s.act(ctx)
	it, err := s.cfg.Board.EditParty(ctx, by, cmd, in.Party, in.Body)
	return one(it, err, s.partyView(by))
}

func (s *Server) admitPerson(ctx context.Context, in *struct {
	PartyPath
	Body struct {
		Person string `json:"person" maxLength:"40" doc:"The person's id, as they see it at /v1/me"`
	}
},
) (*of[PartyView], error) {
	by, cmd := s.act(ctx)
	if _, err := s.cfg.Identity.Get(ctx, in.Body.Person); err != nil {
		return nil, err
	}
	it, err := s.cfg.Board.AdmitPerson(ctx, by, cmd, in.Party, in.Body.Person)
	return one(it, err, s.partyView(by))
}

func (s *Server) dismissPerson(ctx context.Context, in *struct {
	PartyPath
	Person string `path:"person"`
},
) (*of[PartyView], error) {
	by, cmd := s.act(ctx)
	it, err := s.cfg.Board.DismissPerson(ctx, by, cmd, in.Party, in.Person)
	return one(it, err, s.partyView(by))
}

func (s *Server) revealContact(ctx context.Context, in *struct {
	PartyPath
	Body struct {
		Purpose string `json:"purpose" minLength:"4" maxLength:"300" doc:"Why you need it; it is recorded"`
	}
},
) (*of[market.Contact], error) {
	by, cmd := s.act(ctx)
	contact, err := s.cfg.Board.RevealContact(ctx, by, cmd, in.Party, in.Body.Purpose)
	if err != nil {
		return nil, err
	}
	return answered(contact, 0), nil
}

func (s *Server) decideParty(ctx context.Context, in *struct {
	PartyPath
	Body market.Decision
},
) (*of[PartyView], error) {
	by, cmd := s.act(ctx)
	it, err := s.cfg.Desk.DecideParty(ctx, by, cmd, in.Party, in.Body)
	return one(it, err, s.partyView(by))
}
