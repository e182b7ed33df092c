//! One drag from our window onto another.

use anyhow::{Result, bail, ensure};
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ClientMessageData, ClientMessageEvent, ConnectionExt as _, EventMask, PropMode,
    SELECTION_NOTIFY_EVENT, SelectionNotifyEvent, SelectionRequestEvent, Timestamp, Window,
};
use x11rb::wrapper::ConnectionExt as _;

use crate::display::Display;

/// Version of the protocol that we speak.
const VERSION: u32 = 5;

/// Steps of the pointer on its way.
const STEPS: i16 = 12;

/// A drag and how far it is.
pub(crate) struct Drag<'a> {
    display: &'a Display,
    /// Where to, in pixels of the display.
    to: (i16, i16),
    uris: String,
    /// The window that the pointer is over, once it was told.
    over: Option<Window>,
    /// Where the pointer is since the last position that was told.
    moved: Option<((i16, i16), Timestamp)>,
    /// A position was told and its answer is on the way.
    asked: bool,
    /// The last answer: the other program takes the files.
    taken: bool,
    steps_left: i16,
    quick: bool,
}

impl<'a> Drag<'a> {
    /// A drag of the files in `uris` to a place.
    pub(crate) fn new(display: &'a Display, to: (i16, i16), uris: String, quick: bool) -> Self {
        let (over, moved, asked, taken, steps_left) = (None, None, false, false, STEPS);
        Self { display, to, uris, over, moved, asked, taken, steps_left, quick }
    }

    /// Drags, drops and waits until the other program is done.
    ///
    /// # Errors
    /// When the display fails, nobody is there to take the files, or the other program says that it did not.
    pub(crate) fn carry_out(mut self) -> Result<()> {
        let display = self.display;
        display.move_pointer(display.start)?;
        display.press()?;
        loop {
            match display.connection.wait_for_event()? {
                Event::ButtonPress(press) => {
                    let selection = display.atoms.XdndSelection;
                    display.connection.set_selection_owner(display.window, selection, press.time)?;
                    self.step()?;
                }
                Event::MotionNotify(motion) => {
                    self.moved = Some(((motion.root_x, motion.root_y), motion.time));
                    self.tell_position()?;
                    // Over a window that takes part, the next step waits for its answer.
                    if !self.asked && self.steps_left > 0 {
                        self.step()?;
                    }
                }
                Event::ButtonRelease(release) => self.drop(release.time)?,
                Event::SelectionRequest(request) => self.give(&request)?,
                Event::ClientMessage(message) if message.type_ == display.atoms.XdndStatus => {
                    let [_, flags, ..] = message.data.as_data32();
                    self.answered(flags & 1 == 1)?;
                }
                Event::ClientMessage(message) if message.type_ == display.atoms.XdndFinished => {
                    let [_, flags, ..] = message.data.as_data32();
                    ensure!(flags & 1 == 1, "the other program did not take the files");
                    return Ok(());
                }
                Event::Error(error) => bail!("the display refuses: {error:?}"),
                _ => {}
            }
        }
    }

    /// The next step on the straight way.
    fn step(&mut self) -> Result<()> {
        self.steps_left -= 1;
        let (from, gone) = (self.display.start, STEPS - self.steps_left);
        let between = |from: i16, to: i16| from + (to - from) / STEPS * gone;
        let at_end = self.steps_left == 0;
        let place = if at_end { self.to } else { (between(from.0, self.to.0), between(from.1, self.to.1)) };
        self.display.move_pointer(place)
    }

    /// Says where the pointer is, one position at a time.
    fn tell_position(&mut self) -> Result<()> {
        let Some((place, time)) = self.moved.take_if(|_| !self.asked) else { return Ok(()) };
        let below = self.display.aware_window_at(place)?;
        if below != self.over {
            self.leave()?;
            if let Some(window) = below {
                self.send(
                    window,
                    self.display.atoms.XdndEnter,
                    [VERSION << 24, self.display.atoms.uri_list, 0, 0],
                )?;
            }
            self.over = below;
        }
        let Some(window) = below else {
            ensure!(self.steps_left > 0, "nothing is there that takes files");
            return Ok(());
        };
        let root = (u32::from(place.0.cast_unsigned()) << 16) | u32::from(place.1.cast_unsigned());
        let copy = self.display.atoms.XdndActionCopy;
        self.asked = true;
        self.send(window, self.display.atoms.XdndPosition, [0, root, time, copy])
    }

    fn leave(&mut self) -> Result<()> {
        self.taken = false;
        match self.over.take() {
            Some(window) => self.send(window, self.display.atoms.XdndLeave, [0; 4]),
            None => Ok(()),
        }
    }

    /// The other program says whether it would take the files where the pointer is.
    fn answered(&mut self, taken: bool) -> Result<()> {
        self.asked = false;
        self.taken = taken;
        if self.moved.is_some() {
            return self.tell_position();
        }
        if taken && (self.quick || self.steps_left == 0) {
            return self.display.let_go();
        }
        if self.steps_left > 0 {
            return self.step();
        }
        // It may still be looking at what it is offered: a hand is never quite at rest.
        self.to.0 += if self.to.0 % 2 == 0 { 1 } else { -1 };
        self.display.move_pointer(self.to)
    }

    fn drop(&mut self, time: Timestamp) -> Result<()> {
        match self.over {
            Some(window) if self.taken => self.send(window, self.display.atoms.XdndDrop, [0, time, 0, 0]),
            _ => bail!("the button was let go where nobody takes the files"),
        }
    }

    /// Hands out the list of files, or the list of what there is.
    fn give(&self, request: &SelectionRequestEvent) -> Result<()> {
        let (connection, atoms) = (&self.display.connection, &self.display.atoms);
        let (window, property) = (request.requestor, request.property);
        let mode = PropMode::REPLACE;
        let mut given: Atom = property;
        if request.target == atoms.uri_list {
            connection.change_property8(mode, window, property, atoms.uri_list, self.uris.as_bytes())?;
        } else if request.target == atoms.TARGETS {
            let targets = [atoms.TARGETS, atoms.uri_list];
            connection.change_property32(mode, window, property, AtomEnum::ATOM, &targets)?;
        } else {
            given = x11rb::NONE;
        }
        let answer = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: request.time,
            requestor: window,
            selection: request.selection,
            target: request.target,
            property: given,
        };
        connection.send_event(false, window, EventMask::NO_EVENT, answer)?;
        connection.flush()?;
        Ok(())
    }

    /// A message of the protocol; the first word is always our window.
    fn send(&self, to: Window, kind: Atom, [a, b, c, d]: [u32; 4]) -> Result<()> {
        let data = ClientMessageData::from([self.display.window, a, b, c, d]);
        let message = ClientMessageEvent::new(32, to, kind, data);
        self.display.connection.send_event(false, to, EventMask::NO_EVENT, message)?;
        self.display.connection.flush()?;
        Ok(())
    }
}
