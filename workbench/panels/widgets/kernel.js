// Whether the kernel that a widget belongs to is still there.

const ENDED = new Set(["restarting", "autorestarting", "terminating", "dead"]);

/**
 * Call back once when the widget's kernel has ended, was restarted or was changed for another.
 *
 * The kernel's own status is asked, not how long it takes to answer: a busy kernel is not a dead
 * one. A restart, of its own accord or by hand, also takes the widget's comm away; that is what
 * hosts without a status say, and what tells a panel that a saved notebook has brought back.
 */
export function watchKernel(model, signal, gone) {
  const manager = model.widget_manager;
  const session = manager?.context?.sessionContext;
  let told = false;
  const tell = () => {
    if (told || signal.aborted) return;
    told = true;
    stop();
    gone();
  };
  const onStatus = (_, status) => ENDED.has(status) && tell();
  const onKernel = (_, change) => change.oldValue && tell();
  const onComm = () =>
    manager?.get_model?.(model.get("_own_id"))?.then((own) => own.comm_live || tell(), tell);
  const stop = () => {
    session?.statusChanged.disconnect(onStatus);
    session?.kernelChanged.disconnect(onKernel);
    model.off("comm_live_update", onComm);
  };
  session?.statusChanged.connect(onStatus);
  session?.kernelChanged.connect(onKernel);
  model.on("comm_live_update", onComm);
  signal.addEventListener("abort", stop);
  void onComm();
}
