package app

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/vedette-edr/vedette/analyzer/interest"
	"github.com/vedette-edr/vedette/proto/subject"
)

// askEvery is the time after which the collector is told again what the rules ask for: a message on the bus may be lost.
const askEvery = 30 * time.Second

// asker tells the collector what the rules ask for: at the start, whenever the bus comes back and another run of the collector
// is met, and from time to time.
type asker struct {
	nc   *nats.Conn
	host string
	log  zerolog.Logger
	// message is what to send.
	message []byte
	// instance gives the run of the collector that is followed; it is looked at every lookEvery.
	instance  func() uint64
	lookEvery time.Duration
}

func newAsker(s Settings, nc *nats.Conn, wanted interest.Interest, instance func() uint64) (*asker, error) {
	message, err := wanted.Message().MarshalVT()
	if err != nil {
		return nil, err
	}
	a := &asker{nc: nc, host: s.Config.HostID, log: s.Log, message: message, instance: instance, lookEvery: s.HealthEvery}
	if a.lookEvery == 0 {
		a.lookEvery = time.Second
	}
	return a, nil
}

// run asks until ctx ends.
func (a *asker) run(ctx context.Context) {
	connected := a.nc.StatusChanged(nats.CONNECTED)
	defer a.nc.RemoveStatusListener(connected)
	again, look := time.NewTicker(askEvery), time.NewTicker(a.lookEvery)
	defer again.Stop()
	defer look.Stop()
	followed := a.instance()
	a.ask()
	for {
		select {
		case <-ctx.Done():
			return
		case <-connected:
			a.ask()
		case <-again.C:
			a.ask()
		case <-look.C:
			if now := a.instance(); now != followed {
				followed = now
				a.ask()
			}
		}
	}
}

// ask sends the message if the bus is there; when it is not, its return makes up for that.
func (a *asker) ask() {
	if !a.nc.IsConnected() {
		return
	}
	if err := a.nc.Publish(subject.Control(a.host, subject.Interest), a.message); err != nil {
		a.log.Debug().Err(err).Msg("cannot tell the collector what the rules ask for; trying again")
	}
}
