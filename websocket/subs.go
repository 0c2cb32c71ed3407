package websocket

import "github.com/bobtail-go/bobtail/pool"

type subscriptions struct{}

func (t *subscriptions) init(n int)                    {}
func (t *subscriptions) open(d *Driver, h pool.Handle) {}
func (t *subscriptions) drop(d *Driver, h pool.Handle) {}
