package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"hezuo/api/client"
	"hezuo/fault"
	"hezuo/matching"
	"hezuo/realtime"
)

// patience is how long a step of the story may wait for what it waits for.
const patience = 30 * time.Second

// story is one job's way from the post to a signed agreement, played by clients
// over HTTP and websockets. Each step says what it does, and what came of it; the
// first that does not hold ends the story.
type story struct {
	h      *house
	town   *town
	sender *demoSender
	url    string
	dir    string // where the agreement's file and the platform's keys go
	http   *http.Client
	out    io.Writer
	step   int

	employer, leader, agency, operator, auditor *actor

	firm, job, handshake, agreement string // ids
	opening, accepted               string // hashes of terms
	agencyTeam                      string // id
}

// actor is somebody with a client.
type actor struct {
	*client.Client
	who    resident
	socket *client.Socket
	inbox  *client.Log
	room   *client.Log
	device *client.Device
}

// scene is one step of the story.
type scene struct {
	title string
	play  func(context.Context) error
}

// play plays the scenes in order.
func (s *story) play(ctx context.Context) error {
	defer s.close()
	s.employer, s.leader = s.actor(s.town.cast.employer), s.actor(s.town.cast.cooperative.person)
	s.agency, s.auditor = s.actor(s.town.cast.agency.person), s.actor(s.town.auditor)
	s.operator = s.actor(s.town.operators[s.town.cast.county.Code])
	for _, scene := range s.scenes() {
		s.step++
		_, _ = fmt.Fprintf(s.out, "\n%2d  %s\n", s.step, scene.title)
		if err := s.within(ctx, scene.play); err != nil {
			return fmt.Errorf("step %d did not hold: %w", s.step, err)
		}
	}
	return nil
}

func (s *story) scenes() []scene {
	return []scene{
		{"An employer (用工主体) signs in with a code sent to the phone.", s.employerSignsIn},
		{"The employer registers the firm, as a party that still has to be verified.", s.employerRegisters},
		{"An operator of the county's market (市场运营员) verifies it, with a reason.", s.operatorVerifies},
		{"The employer writes a job (用工需求): twelve pickers for Thursday. It goes to the operators first.", s.employerPosts},
		{"Nearby, the leader of a village's labour cooperative (农村劳务合作社) and an HR agency (人力资源服务机构) are online.", s.othersComeOnline},
		{"The operator approves the post. It opens, and with it the cooperatives' first look (优先对接期).", s.operatorApproves},
		{"The offer (对接邀约) rings in the leader's inbox, over the websocket, before any agency hears of it.", s.offerRings},
		{"The agency has seen the job on the public list and applies meanwhile. It is refused, with the reason.", s.agencyIsRefused},
		{"Both say yes: a handshake (点对点对接). The team's people are held, and the negotiation room (洽谈室) opens.", s.bothSayYes},
		{"They talk, live, over two websockets.", s.theyTalk},
		{"The leader proposes other terms (协议条款). The employer, who has not seen them, accepts the old ones: refused.", s.acceptanceCrosses},
		{"The employer reads the new terms and accepts exactly these, by their hash.", s.employerAccepts},
		{"Both register a signing key that never leaves their device, with a code and a proof that the key is there.", s.bothRegisterKeys},
		{"Both read the service agreement (劳务服务协议) and sign it. The platform countersigns.", s.bothSign},
		{"The agreement's file is fetched, and verified without asking anybody: as `hezuo verify` does.", s.fileIsVerified},
		{"Then one byte of it is changed, so that the pay is ten yuan another.", s.changedFileFails},
		{"An auditor reads the job's audit trail (审计轨迹): who did what, when and why.", s.auditorReads},
		{"Last, the house checks itself: `hezuo check`, over everything that is in the store.", s.houseChecks},
	}
}

// within gives a step its time.
func (s *story) within(ctx context.Context, do func(context.Context) error) error {
	limit, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := do(limit)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return fmt.Errorf("it did not come about within %s: %w", patience, err)
	}
	return err
}

func (s *story) actor(who resident) *actor {
	return &actor{Client: client.New(s.url, s.http), who: who}
}

// close ends what the actors have open.
func (s *story) close() {
	for _, a := range []*actor{s.employer, s.leader, s.agency, s.operator, s.auditor} {
		if a != nil && a.socket != nil {
			a.socket.Close()
			a.socket = nil
		}
	}
	s.http.CloseIdleConnections()
}

// says prints a line about what came of a step.
func (s *story) says(format string, args ...any) {
	_, _ = fmt.Fprintf(s.out, "      "+format+"\n", args...)
}

// signIn signs an actor in.
func (s *story) signIn(ctx context.Context, a *actor) error {
	return a.SignIn(ctx, a.who.phone, s.sender.take)
}

// online signs an actor in and opens the websocket on the inbox.
func (s *story) online(ctx context.Context, a *actor) (err error) {
	if a.Person() == "" {
		if err := s.signIn(ctx, a); err != nil {
			return err
		}
	}
	if a.socket, err = a.Socket(ctx); err != nil {
		return err
	}
	a.inbox, err = a.socket.Follow(ctx, client.InboxRoom, 0)
	return err
}

// rings waits until the inbox tells of an act on the story's job.
func (s *story) rings(ctx context.Context, a *actor, kind string) (matching.News, error) {
	var news matching.News
	_, err := a.inbox.Wait(ctx, func(e realtime.Entry) bool {
		news = matching.News{}
		return e.Kind == kind && json.Unmarshal(e.Body, &news) == nil && news.Job == s.job
	})
	if err != nil {
		return news, fmt.Errorf("waiting for %s in an inbox: %w", kind, err)
	}
	return news, nil
}

// post does something, for the answers that the story does not read.
func post(ctx context.Context, a *actor, path string, in any) error {
	_, err := a.Do(ctx, http.MethodPost, path, in, nil)
	return err
}

// refused wants an act to have been refused, and shows how.
func (s *story) refused(err error, code fault.Code, what string) error {
	var p *client.Problem
	if !errors.As(err, &p) || p.Code != code {
		return fmt.Errorf("%s should have been refused as %s, and gave: %w", what, code, orNothing(err))
	}
	s.says("refused (%s): %s", p.Code, p.Detail)
	if p.Fix != "" {
		s.says("what to do: %s", p.Fix)
	}
	return nil
}

// errNothing stands for a success that should have been none.
var errNothing = errors.New("success")

func orNothing(err error) error {
	if err == nil {
		return errNothing
	}
	return err
}

// holds wants something to be so.
func holds(so bool, format string, args ...any) error {
	if so {
		return nil
	}
	return fmt.Errorf(format, args...)
}

// short shows enough of a hash to tell it from another.
func short(hash string) string { return hash[:min(len(hash), 12)] + "…" }
