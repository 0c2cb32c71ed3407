package resource

// SetSequence sets the number of a topic's last notification.
func SetSequence(t *Topic, seq uint32) { t.seq = seq }
