//! The display, our window on it, and a pointer that moves.

use anyhow::{Context, Result, bail};
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    self, AtomEnum, ConnectionExt as _, CreateWindowAux, EventMask, Window, WindowClass,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

x11rb::atom_manager! {
    /// Names of the protocol.
    pub(crate) Atoms:
    AtomsCookie {
        XdndActionCopy,
        XdndAware,
        XdndDrop,
        XdndEnter,
        XdndFinished,
        XdndLeave,
        XdndPosition,
        XdndSelection,
        XdndStatus,
        TARGETS,
        UTF8_STRING,
        _NET_WM_NAME,
        uri_list: b"text/uri-list",
    }
}

/// Width and height of our window, in pixels.
const SIZE: u16 = 40;

/// A connection with a window of ours.
pub(crate) struct Display {
    pub(crate) connection: RustConnection,
    pub(crate) root: Window,
    pub(crate) window: Window,
    pub(crate) atoms: Atoms,
    /// Middle of our window.
    pub(crate) start: (i16, i16),
}

impl Display {
    /// Opens `DISPLAY` and shows our window in its lower right corner.
    pub(crate) fn open() -> Result<Self> {
        let (connection, screen) = x11rb::connect(None).context("there is no display")?;
        let atoms = Atoms::new(&connection)?.reply()?;
        let screen = &connection.setup().roots[screen];
        let (root, size) = (screen.root, (screen.width_in_pixels, screen.height_in_pixels));
        let (x, y) = (i16::try_from(size.0 - SIZE)?, i16::try_from(size.1 - SIZE)?);
        let half = i16::try_from(SIZE / 2)?;
        let window = connection.generate_id()?;
        let wanted = EventMask::BUTTON_PRESS
            | EventMask::BUTTON_RELEASE
            | EventMask::BUTTON1_MOTION
            | EventMask::STRUCTURE_NOTIFY;
        // Where no window manager moves it.
        let looks = CreateWindowAux::new()
            .event_mask(wanted)
            .override_redirect(1)
            .background_pixel(screen.white_pixel);
        let class = WindowClass::INPUT_OUTPUT;
        connection.create_window(screen.root_depth, window, root, x, y, SIZE, SIZE, 0, class, 0, &looks)?;
        connection.map_window(window)?;
        connection.flush()?;
        while !matches!(connection.wait_for_event()?, Event::MapNotify(_)) {}
        Ok(Self { connection, root, window, atoms, start: (x + half, y + half) })
    }

    /// The middle of the window with that title, in pixels of the display.
    pub(crate) fn window_titled(&self, title: &str) -> Result<(i16, i16)> {
        let mut left = vec![self.root];
        while let Some(window) = left.pop() {
            if self.title(window)? == title && self.is_shown(window)? {
                let size = self.connection.get_geometry(window)?.reply()?;
                let (x, y) = (i16::try_from(size.width / 2)?, i16::try_from(size.height / 2)?);
                let middle = self.connection.translate_coordinates(window, self.root, x, y)?.reply()?;
                return Ok((middle.dst_x, middle.dst_y));
            }
            left.extend(self.connection.query_tree(window)?.reply()?.children);
        }
        bail!("no window on this display is called {title}");
    }

    fn title(&self, window: Window) -> Result<String> {
        let (name, utf8) = (self.atoms._NET_WM_NAME, self.atoms.UTF8_STRING);
        let title = self.connection.get_property(false, window, name, utf8, 0, 64)?.reply()?;
        Ok(String::from_utf8_lossy(&title.value).into_owned())
    }

    fn is_shown(&self, window: Window) -> Result<bool> {
        let state = self.connection.get_window_attributes(window)?.reply()?.map_state;
        Ok(state == xproto::MapState::VIEWABLE)
    }

    /// The window under that place which takes part in dragging, if there is one: the outermost that says so.
    pub(crate) fn aware_window_at(&self, (x, y): (i16, i16)) -> Result<Option<Window>> {
        let mut window = self.root;
        loop {
            let below = self.connection.translate_coordinates(self.root, window, x, y)?.reply()?.child;
            if below == x11rb::NONE {
                return Ok(None);
            }
            let (aware, atom) = (self.atoms.XdndAware, AtomEnum::ATOM);
            if self.connection.get_property(false, below, aware, atom, 0, 1)?.reply()?.value_len > 0 {
                return Ok(Some(below));
            }
            window = below;
        }
    }

    /// Moves the pointer, as a hand does: by the server's own events.
    pub(crate) fn move_pointer(&self, (x, y): (i16, i16)) -> Result<()> {
        self.fake(xproto::MOTION_NOTIFY_EVENT, 0, (x, y))
    }

    /// Presses the first button.
    pub(crate) fn press(&self) -> Result<()> {
        self.fake(xproto::BUTTON_PRESS_EVENT, 1, (0, 0))
    }

    /// Lets go of the first button.
    pub(crate) fn let_go(&self) -> Result<()> {
        self.fake(xproto::BUTTON_RELEASE_EVENT, 1, (0, 0))
    }

    fn fake(&self, event: u8, detail: u8, (x, y): (i16, i16)) -> Result<()> {
        self.connection.xtest_fake_input(event, detail, x11rb::CURRENT_TIME, self.root, x, y, 0)?;
        self.connection.sync()?;
        Ok(())
    }
}
