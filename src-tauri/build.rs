//! Hands the Tauri build step the layout of this house: the app's package is the workspace root,
//! its capabilities and icons lie under `src-tauri/`.

fn main() {
    println!("cargo:rerun-if-changed=tauri.conf.json");
    println!("cargo:rerun-if-changed=src-tauri/capabilities");
    println!("cargo:rerun-if-changed=src-tauri/icons");
    // The built page is put into the program when it compiles.
    println!("cargo:rerun-if-changed=ui/dist");

    let attributes = tauri_build::Attributes::new()
        .capabilities_path_pattern("./src-tauri/capabilities/**/*")
        .app_manifest(tauri_build::AppManifest::new().commands(&[
            "view",
            "send",
            "next_frame",
            "read_picture",
            "paste_picture",
            "copy_text",
            "log_ui",
        ]))
        .windows_attributes(
            tauri_build::WindowsAttributes::new().window_icon_path("src-tauri/icons/icon.ico"),
        );
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo:warning=The Tauri build step failed.");
        panic!("{error:#}");
    }
}
