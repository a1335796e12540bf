package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"hezuo/identity"
	"hezuo/market"
	"hezuo/store"
)

// atOnce is how much is put into the store at once: as many writes share a commit.
const atOnce = 96

// filler puts a town into a house, through the rooms' own doors.
type filler struct {
	h      *house
	town   *town
	sender *demoSender

	signedIn  atomic.Int64
	operators map[string]market.Caller // by county
	settled   map[*household]*settled  // written before the houses are settled, then only read
}

// settled is what a household has become in the store.
type settled struct {
	caller market.Caller
	party  string
	teams  []string // ids, as the household's teams
	jobs   []string
}

func newFiller(h *house, t *town, s *demoSender) *filler {
	f := &filler{h: h, town: t, sender: s, operators: map[string]market.Caller{}, settled: map[*household]*settled{}}
	for _, house := range t.houses {
		f.settled[house] = &settled{teams: make([]string, len(house.teams)), jobs: make([]string, len(house.jobs))}
	}
	return f
}

// command gives the command of somebody's act at a moment of the town's past.
func (f *filler) command(by market.Caller, what string, at time.Time) store.Command {
	cmd := by.Command("demo/"+what, at)
	cmd.From = "demo"
	return cmd
}

// each does something for all households at once.
func (f *filler) each(ctx context.Context, do func(context.Context, *household, *settled) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for _, house := range f.town.houses {
		g.Go(func() error { return do(ctx, house, f.settled[house]) })
	}
	return g.Wait()
}

// found makes the markets with their operators, the parties, and the posts whose
// story is over. Nobody works in the house yet.
func (f *filler) found(ctx context.Context) error {
	if err := f.foundMarkets(ctx); err != nil {
		return err
	}
	if err := f.each(ctx, f.settle); err != nil {
		return err
	}
	err := f.each(ctx, func(ctx context.Context, house *household, s *settled) error {
		return f.post(ctx, house, s, func(p jobPlan) bool { return p.fate.early() })
	})
	if err != nil {
		return err
	}
	_, err = f.h.board.Settle(ctx, node(), f.h.now())
	return err
}

// open puts teams and jobs on the market, in a house that works, and waits until
// the engine has made its offers.
func (f *filler) open(ctx context.Context) error {
	if err := f.each(ctx, f.openTeams); err != nil {
		return err
	}
	if err := f.h.quiet(ctx); err != nil {
		return err
	}
	err := f.each(ctx, func(ctx context.Context, house *household, s *settled) error {
		return f.post(ctx, house, s, func(p jobPlan) bool { return !p.fate.early() })
	})
	if err != nil {
		return err
	}
	if err := f.h.engine.SettleOnce(ctx); err != nil {
		return err
	}
	if err := f.h.quiet(ctx); err != nil {
		return err
	}
	if err := f.deal(ctx); err != nil {
		return err
	}
	return f.h.quiet(ctx)
}

func (f *filler) foundMarkets(ctx context.Context) error {
	at := f.town.now.AddDate(0, -2, 0)
	view, err := f.h.identity.CreateAdmin(ctx, store.Command{ID: "demo/admin", From: "demo", At: at}, f.town.admin.phone, f.town.admin.name)
	if err != nil {
		return err
	}
	admin := market.Caller{Person: view.ID, Admin: true}
	auditor, err := f.signIn(ctx, f.town.auditor, at)
	if err != nil {
		return err
	}
	if err := f.h.identity.GrantRole(ctx, f.command(admin, "auditor", at), auditor.Person, identity.Auditor, "演示用审计员"); err != nil {
		return err
	}
	for _, county := range market.Counties() {
		if _, err := f.h.board.CreateMarket(ctx, &admin, f.command(admin, "found", at), county.Code); err != nil {
			return err
		}
		operator, err := f.signIn(ctx, f.town.operators[county.Code], at)
		if err != nil {
			return err
		}
		if _, err := f.h.board.Appoint(ctx, &admin, f.command(admin, "appoint", at), county.Code, operator.Person, true, county.Name+"人社局指派"); err != nil {
			return err
		}
		operator.Operates = map[string]bool{county.Code: true}
		f.operators[county.Code] = operator
	}
	return nil
}

// signIn signs somebody in for the first time, with a code.
func (f *filler) signIn(ctx context.Context, who resident, at time.Time) (market.Caller, error) {
	from := fmt.Sprintf("2001:db8:0:%x::1", f.signedIn.Add(1)) // an address range for documentation
	sent, err := f.h.identity.SendCode(ctx, store.Command{ID: "demo/code", From: "demo", At: at}, who.phone, from)
	if err != nil {
		return market.Caller{}, err
	}
	digits, err := f.sender.take(ctx, sent.ID)
	if err != nil {
		return market.Caller{}, err
	}
	tokens, err := f.h.identity.SignIn(ctx, store.Command{ID: "demo/sign-in", From: "demo", At: at}, who.phone, digits, identity.DeviceInfo{})
	if err != nil {
		return market.Caller{}, err
	}
	by := market.Caller{Person: tokens.Person, Session: tokens.Session, Parties: map[string]market.PartyKind{}}
	return by, f.h.identity.SetName(ctx, f.command(by, "name", at), by.Person, who.name)
}

// settle registers a household, and has it judged.
func (f *filler) settle(ctx context.Context, house *household, s *settled) error {
	var err error
	if s.caller, err = f.signIn(ctx, house.person, house.registered); err != nil {
		return err
	}
	it, err := f.h.board.CreateParty(ctx, s.caller, f.command(s.caller, "party", house.registered), house.form)
	if err != nil {
		return fmt.Errorf("party: %w", err)
	}
	s.party = it.ID
	s.caller.Parties[it.ID] = house.form.Kind
	if house.decision == nil {
		return nil
	}
	operator := f.operators[house.form.Market]
	_, err = f.h.desk.DecideParty(ctx, operator, f.command(operator, "verify", house.decided), it.ID, *house.decision)
	return err
}

func (f *filler) openTeams(ctx context.Context, house *household, s *settled) error {
	for i, plan := range house.teams {
		at := plan.opened
		if at.IsZero() {
			at = house.registered
		}
		it, err := f.h.board.CreateTeam(ctx, s.caller, f.command(s.caller, fmt.Sprintf("team/%d", i), at), s.party, plan.post)
		if err != nil {
			return fmt.Errorf("team: %w", err)
		}
		s.teams[i] = it.ID
		if plan.opened.IsZero() {
			continue
		}
		if _, err := f.h.board.OpenTeam(ctx, s.caller, f.command(s.caller, "open", at), it.ID); err != nil {
			return fmt.Errorf("team: %w", err)
		}
		if plan.closed {
			if _, err := f.h.board.CloseTeam(ctx, s.caller, f.command(s.caller, "close", f.town.now.Add(-time.Hour)), it.ID, "队员农忙，暂不外出"); err != nil {
				return fmt.Errorf("team: %w", err)
			}
		}
	}
	return nil
}

// post writes the jobs that are asked for, each as far as its fate.
func (f *filler) post(ctx context.Context, house *household, s *settled, which func(jobPlan) bool) error {
	for i, plan := range house.jobs {
		if !which(plan) {
			continue
		}
		it, err := f.h.board.CreateJob(ctx, s.caller, f.command(s.caller, fmt.Sprintf("job/%d", i), plan.written), s.party, plan.post)
		if err == nil {
			s.jobs[i] = it.ID
			err = f.live(ctx, house, s, it.ID, plan)
		}
		if err != nil {
			return fmt.Errorf("job: %w", err)
		}
	}
	return nil
}

// live takes a job from its draft to what becomes of it.
func (f *filler) live(ctx context.Context, house *household, s *settled, id string, plan jobPlan) error {
	if plan.fate == fateDraft {
		return nil
	}
	if _, err := f.h.board.SubmitJob(ctx, s.caller, f.command(s.caller, "submit", plan.written.Add(time.Minute)), id); err != nil || plan.fate == fateReview {
		return err
	}
	operator := f.operators[house.form.Market]
	d := market.Decision{Approve: true, Reason: "用工主体、地点、人数、报酬齐全，予以发布"}
	if plan.fate == fateRefused {
		d = market.Decision{Reason: "请写明每天的起止时间后再次提交"}
	}
	if _, err := f.h.desk.DecideJob(ctx, operator, f.command(operator, "review", plan.reviewed), id, d); err != nil {
		return err
	}
	var err error
	switch plan.fate {
	case fateClosed:
		_, err = f.h.board.CloseJob(ctx, s.caller, f.command(s.caller, "close", plan.reviewed.Add(9*time.Minute)), id, "本村亲友已帮忙做完")
	case fateRemoved:
		_, err = f.h.desk.RemoveJob(ctx, operator, f.command(operator, "remove", plan.reviewed.Add(9*time.Minute)), id, "电话核实用工地点不存在，疑似虚假招工，下架")
	case fateOpen, fateTalk, fateFilled, fateDraft, fateReview, fateRefused, fateExpired:
	}
	return err
}
