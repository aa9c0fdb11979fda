import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  server: {
    // The development server, for rooms and tokens.
    proxy: {
      "/realtime": { target: "http://127.0.0.1:8000", ws: true },
      "/dev/token": "http://127.0.0.1:8000",
    },
  },
});
